package people

// CheapPasswords makes hashing take nearly nothing from here on.
func CheapPasswords() { hashCost = cost{memory: 64, passes: 1, threads: 1} }

// HashAtFullCost is HashPassword as the program has it.
func HashAtFullCost(password string) string { return hashAt(password, fullCost) }

// Fits tells whether a stored form is that of a password.
func Fits(stored, password string) bool { return passwordFits(stored, password) }

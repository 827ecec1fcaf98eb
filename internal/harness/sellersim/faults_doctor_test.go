package sellersim

// The faults of doctorFaults are tested where they matter: each must turn exactly one
// rule of the doctor red (harness/doctortest).
func init() {
	for _, f := range doctorFaults {
		ownTests = append(ownTests, f.Name)
	}
}

// Package config turns flags, environment and a file into one plain Config.
//
// Every option (选项) is one row of Table: its name, type, default, what it means and in which unit. The
// row gives the flag (--order-query-rate), the variable (SOUK_ORDER_QUERY_RATE), the key in the file
// (order-query-rate = 200) and the row of docs/configuration.md. The first source that names an option
// wins, in the order flag, variable, file, default. A value that does not fit is refused with the
// option, the source it came from and what would be right; nothing is rounded or guessed.
//
// It implements the settings that the rulings of chapter 01 leave to whoever runs the marketplace. It
// must not open anything (no database, no socket, no file but the one named by --config), and no other
// floor than cmd and harness may import it: rooms take what they need as arguments.
package config

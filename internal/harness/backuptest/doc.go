// Package backuptest moves a whole, lived-in marketplace from engine to engine by backup and restore, and goes on with
// it: nothing but tests. // spec: 01 §8.6
package backuptest

// Package workday knows working days (工作日), which the limits of settlement, supervision and appeals count in.
//
// Mainland China's holidays are set each year by notice and include make-up working days on weekends
// (调休), so no formula gives them: the data of each year is a sparse list. A year that is not loaded falls
// back to Monday to Friday and says so, so that what depends on it never stops; whoever computes a date with
// it shows the doubt and alarms an operator.
//
// It implements chapter 23 §7 and the end of "n working days" of chapter 01 §1.4. It must not read a clock, a file
// or a zone: days come in as dates.
package workday

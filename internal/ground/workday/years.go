package workday

type span struct{ first, last string } // month-day, both included

// builtIn holds the years whose notices are known. Free days that fall on weekends stand in the spans too:
// the table is what the notice says. spec: 23 §7.3
var builtIn = []struct {
	year string
	off  []span
	work []string
}{
	{
		year: "2025",
		off:  []span{{"01-01", "01-01"}, {"01-28", "02-04"}, {"04-04", "04-06"}, {"05-01", "05-05"}, {"05-31", "06-02"}, {"10-01", "10-08"}},
		work: []string{"01-26", "02-08", "04-27", "09-28", "10-11"},
	},
	{
		year: "2026",
		off:  []span{{"01-01", "01-03"}, {"02-15", "02-23"}, {"04-04", "04-06"}, {"05-01", "05-05"}, {"06-19", "06-21"}, {"09-25", "09-27"}, {"10-01", "10-07"}},
		work: []string{"01-04", "02-14", "02-28", "05-09", "09-20", "10-10"},
	},
}

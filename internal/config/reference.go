package config

import (
	"fmt"
	"strings"
)

// Reference is docs/configuration.md, made from Table.
func Reference() string {
	var b strings.Builder
	b.WriteString(`# Configuration

Made from the table in ` + "`internal/config`" + ` by ` + "`make docs`" + `; do not edit.

Each option can be given as a flag, as an environment variable, or as a line ` + "`key = value`" + ` of the file
named by ` + "`--config FILE`" + ` or ` + "`SOUK_CONFIG`" + ` (the key is the flag without dashes; lines that start with # are
comments). The first of these wins, in this order; then comes the default. A value that does not fit stops
the start and names the option, where the value came from, and what would be right.

| flag | variable | type | default | meaning | spec |
| --- | --- | --- | --- | --- | --- |
`)
	for _, o := range Table {
		value := "–"
		if o.Default != "" {
			value = "`" + o.Default + "`"
		}
		spec := o.Spec
		if spec == "" {
			spec = "–"
		}
		fmt.Fprintf(&b, "| `--%s` | `%s` | %s | %s | %s | %s |\n", o.Name, o.Env(), o.Type, value, o.Meaning, spec)
	}
	return b.String()
}

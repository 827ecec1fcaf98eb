package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/souk-market/souk/protocol/explain"
)

// explainCommand compares a value that was found with the right one: exit code 0 when
// they are equal, 1 when they differ.
// spec: 01 §8.1, §8.4
func explainCommand() *cobra.Command {
	root := group("explain", "Say step by step how a signature is made, and why another one differs",
		"Recompute a signature or open a sealed value step by step, offline, and name the known mistakes\n"+
			"that give exactly the value that was found. The exit code is 0 when the values are equal, 1 when\n"+
			"they differ, 2 when the input cannot be used.")
	for _, k := range kinds {
		flags := k.flags
		if k.kind != explain.KindAKSK {
			flags = append([]string{"key"}, flags...)
		}
		if k.kind == explain.KindBody {
			flags = append(slices.Clone(flags), "timestamp")
		}
		root.AddCommand(explainOne(k.kind, "Explain the "+k.short, flags))
	}
	root.AddCommand(explainOne(explain.KindSealed, "Explain a sealed value; TEXT is what it should hold", []string{"key", "type", "iv"}))
	return root
}

func explainOne(kind explain.Kind, short string, flags []string) *cobra.Command {
	var (
		f      wireFlags
		lang   string
		asJSON bool
	)
	use, args := string(kind), cobra.NoArgs
	if kind == explain.KindSealed {
		use, args = use+" [TEXT]", cobra.MaximumNArgs(1)
	}
	cmd := strict(&cobra.Command{Use: use, Short: short, Args: args, RunE: func(cmd *cobra.Command, args []string) error {
		language, known := map[string]string{"en": explain.English, "zh": explain.Chinese}[lang]
		if !known {
			return unusable{fmt.Errorf("--lang is %q: give en or zh", lang)}
		}
		in, err := f.input(cmd, kind)
		if err != nil {
			return err
		}
		if len(args) > 0 {
			in.Plain = args[0]
		}
		if kind == explain.KindV1 && in.Got == "" {
			// The query of a recorded call has the value that was found.
			if query, err := url.ParseQuery(strings.TrimPrefix(in.Query, "?")); err == nil {
				in.Got = query.Get("authToken")
			}
		}
		if in.Got == "" {
			return unusable{errors.New("--got is missing: give the value that was found")}
		}
		r, err := explain.Explain(kind, in)
		if err != nil {
			return named(kind, err)
		}
		write := printResult
		if asJSON {
			write = printJSON
		}
		if err := write(cmd.OutOrStdout(), r, language); err != nil {
			return err
		}
		if !r.Equal {
			return exitCode(1)
		}
		return nil
	}})
	f.add(cmd, flags...)
	if kind == explain.KindBody {
		cmd.Flags().Lookup("timestamp").Usage = "timeStamp of the request, if known: it does not belong into the key"
	}
	cmd.Flags().StringVar(&f.in.Got, "got", "", "the value that was found")
	cmd.Flags().StringArrayVar(&f.others, "other-key", nil, "a key that may have been used by mistake, CLASS=KEY; may be repeated")
	cmd.Flags().StringVar(&lang, "lang", "en", "language of the causes: en or zh")
	cmd.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	return cmd
}

// words of the printed result, by language.
var words = map[string]struct{ want, got, equal, different, cause, with, none string }{
	explain.English: {"want", "got", "equal", "different", "cause", "together with", "no known mistake gives this value: compare the intermediates above"},
	explain.Chinese: {"应为", "实为", "一致", "不一致", "原因", "同时", "没有已知的错误能得出该值，请逐项比较以上中间值"},
}

func printResult(w io.Writer, r explain.Result, language string) error {
	var b strings.Builder
	word := words[language]
	line := func(name, value string) { fmt.Fprintf(&b, "%s: %s\n", name, value) }
	for _, s := range r.Steps {
		line(s.Name, s.Value)
	}
	if r.Want != "" {
		line(word.want, r.Want)
	}
	line(word.got, r.Got)
	if r.Equal {
		fmt.Fprintln(&b, word.equal)
	} else {
		fmt.Fprintln(&b, word.different)
		for _, c := range r.Causes {
			text := explain.Text(c.Code, language)
			for i, code := range c.With {
				if i == 0 {
					text += " (" + word.with + " " + string(code)
				} else {
					text += ", " + string(code)
				}
			}
			if len(c.With) > 0 {
				text += ")"
			}
			line(word.cause, string(c.Code)+": "+text)
			if c.Evidence != "" {
				fmt.Fprintf(&b, "    %s\n", c.Evidence)
			}
		}
		if len(r.Causes) == 0 {
			line(word.cause, word.none)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func printJSON(w io.Writer, r explain.Result, language string) error {
	type cause struct {
		explain.Cause
		Text string `json:"text"`
	}
	causes := make([]cause, len(r.Causes))
	for i, c := range r.Causes {
		causes[i] = cause{c, explain.Text(c.Code, language)}
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		explain.Result
		Causes []cause `json:"causes"`
	}{r, causes})
}

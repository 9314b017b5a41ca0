package main

import (
	"crypto/sha256"
	"fmt"
	"net/http"
	"slices"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func evidenceCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "evidence",
		Short: "Keep, list and read papers and pictures that prove something",
		Example: `  tocsin evidence list INC-2026-0001
  tocsin evidence add INC-2026-0001 letter.pdf --kind letter
  tocsin evidence export INC-2026-0001 0193f2a4-… --out receipt.jpg`,
	}
	addAPIFlags(cmd)
	cmd.AddCommand(evidenceListCommand(), evidenceAddCommand(), evidenceExportCommand())
	return cmd
}

func evidenceListCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "list INCIDENT",
		Short:   "List an incident's evidence with its hashes, oldest first",
		Example: "  tocsin evidence list INC-2026-0001\n  tocsin evidence list INC-2026-0001 --output json",
		Args:    cobra.ExactArgs(1),
	}
	cmd.RunE = query(&o, incidentPath("/evidence"), (*page).evidence)
	o.add(cmd)
	return cmd
}

func (p *page) evidence(l api.EvidenceList) {
	if len(l.Evidence) == 0 {
		p.line("%s", p.say("还没有证据。", "There is no evidence yet."))
		return
	}
	var rows []table.Row
	for _, e := range l.Evidence {
		rows = append(rows, table.Row{e.ID, p.evidenceKind(e.Kind), e.Ref, e.Name, e.Size, stamp(&e.At), e.By, e.SHA256.String()[:12]})
	}
	p.table(table.Row{p.say("编号", "ID"), p.say("种类", "Kind"), p.say("关于", "About"), p.say("文件", "File"), p.say("字节", "Bytes"), p.say("时间", "Kept"), p.say("经手", "By"), "SHA-256"}, rows, 2, 3)
}

func (p *page) evidenceKind(k store.EvidenceKind) string {
	word, ok := map[store.EvidenceKind]breach.Text{
		store.EvidenceReceipt: {ZH: "回执", EN: "receipt"}, store.EvidenceLetter: {ZH: "来函", EN: "letter"},
		store.EvidenceHold: {ZH: "暂缓依据", EN: "paper of a hold"}, store.EvidenceProof: {ZH: "完成证明", EN: "proof"},
	}[k]
	if !ok {
		return string(k)
	}
	return word.In(p.lang)
}

func evidenceAddCommand() *cobra.Command {
	var o viewOptions
	var kind, duty string
	cmd := &cobra.Command{
		Use:     "add INCIDENT FILE",
		Short:   "Keep a paper or a picture, sealed; at most 20 MiB",
		Example: "  tocsin evidence add INC-2026-0001 letter.pdf --kind letter --duty cn-cac-other/cn-cac-provincial",
		Args:    cobra.ExactArgs(2),
	}
	cmd.Flags().StringVar(&kind, "kind", "", "receipt, letter, hold or proof; required")
	cmd.Flags().StringVar(&duty, "duty", "", "the key of the duty that it is about")
	return onDutyArgs(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error {
		if !slices.Contains(store.EvidenceKinds(), store.EvidenceKind(kind)) {
			return usage("--kind must be receipt, letter, hold or proof")
		}
		e, err := c.keep(cmd.Context(), id, store.EvidenceKind(kind), duty, args[0])
		if err != nil {
			return err
		}
		return o.show(cmd, e, func(p *page) { p.line("%s", p.say("已保存：", "Kept: ")+e.ID) })
	})
}

func evidenceExportCommand() *cobra.Command {
	var o viewOptions
	var out string
	cmd := &cobra.Command{
		Use:   "export INCIDENT ID",
		Short: "Write a piece of evidence to a new file; every look is journalled",
		Long:  "Write a piece of evidence to a new file, after comparing it with its hash. Who looked, and when, stands in the journal.",
		Example: `  tocsin evidence export INC-2026-0001 0193f2a4-… --out receipt.jpg
  tocsin evidence export INC-2026-0001 0193f2a4-… | sha256sum`,
		Args: cobra.ExactArgs(2),
	}
	cmd.Flags().StringVar(&out, "out", "", "the new file; the output where empty")
	return onDutyArgs(&o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error {
		if out == "" && isTerminalOut(cmd) {
			return usage("evidence is not for the screen: name a file with --out")
		}
		var l api.EvidenceList
		if err := c.get(cmd.Context(), "/v1/incidents/"+string(id)+"/evidence", &l); err != nil {
			return err
		}
		i := slices.IndexFunc(l.Evidence, func(e store.Evidence) bool { return e.ID == args[0] })
		if i < 0 {
			return fmt.Errorf("%s holds no evidence %s: tocsin evidence list %[1]s shows it", id, args[0])
		}
		b, err := c.fetch(cmd.Context(), http.MethodGet, "/v1/incidents/"+string(id)+"/evidence/"+escape(args[0]), nil, "", nil)
		if err != nil {
			return err
		}
		if sum := sha256.Sum256(b); store.HexBytes(sum[:]).String() != l.Evidence[i].SHA256.String() {
			return fmt.Errorf("the evidence does not have its hash: do not rely on it, and tell whoever runs Tocsin")
		}
		return writeOut(cmd, out, b)
	})
}

package main

import (
	"context"
	"fmt"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"tocsin/internal/api"
	"tocsin/internal/breach"
)

const noticeExample = "INC-2026-0001 notice/1"

func noticeVersionsCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "versions INCIDENT NOTICE",
		Short:   "List every version of a notice, the void ones too, with who decided what",
		Example: "  tocsin notice versions " + noticeExample,
		Args:    cobra.ExactArgs(2),
	}
	return onNotice(&o, cmd, func(cmd *cobra.Command, _ *client, all []api.VersionView) error {
		return o.show(cmd, api.VersionList{Versions: all}, func(p *page) { p.versions(all) })
	})
}

func noticeDiffCommand() *cobra.Command {
	var o viewOptions
	var from, to int
	cmd := &cobra.Command{
		Use:   "diff INCIDENT NOTICE",
		Short: "Show what changed between two versions of a notice, line by line",
		Long: `Show what changed between two versions of a notice, line by line: in every text for every audience, with its subject, SMS and
push message. Without --from and --to it compares the newest version with the one before it; where facts or words changed after you
read a notice, that is what you have to read again.`,
		Example: "  tocsin notice diff " + noticeExample + "\n  tocsin notice diff " + noticeExample + " --from 2 --to 4",
		Args:    cobra.ExactArgs(2),
	}
	versionFlags(cmd, &from, &to)
	return onNotice(&o, cmd, func(cmd *cobra.Command, c *client, all []api.VersionView) error {
		return c.showDiff(cmd, &o, all, from, to)
	})
}

// onNotice runs a command on the versions of a notice, newest first.
func onNotice(o *viewOptions, cmd *cobra.Command, run func(*cobra.Command, *client, []api.VersionView) error) *cobra.Command {
	return onDutyArgs(o, cmd, func(cmd *cobra.Command, c *client, id breach.IncidentID, args []string) error {
		all, err := c.noticeVersions(cmd.Context(), id, args[0])
		if err != nil {
			return err
		}
		return run(cmd, c, all)
	})
}

// noticeVersions lists the versions of a notice, which may be named by its number alone.
func (c *client) noticeVersions(ctx context.Context, id breach.IncidentID, notice string) ([]api.VersionView, error) {
	if strings.Trim(notice, "0123456789") == "" {
		notice = "notice/" + notice
	}
	var l api.VersionList
	if err := c.get(ctx, "/v1/incidents/"+string(id)+"/notices/versions?notice="+url.QueryEscape(notice), &l); err != nil {
		return nil, err
	}
	if len(l.Versions) == 0 {
		return nil, fmt.Errorf("%s has no notice %s: tocsin notice list %[1]s shows them", id, notice)
	}
	return l.Versions, nil
}

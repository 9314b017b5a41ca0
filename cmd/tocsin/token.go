package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"

	"tocsin/internal/breach"
	"tocsin/internal/store"
)

func tokenCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "token",
		Short: "Make, list and revoke API tokens, directly in the database",
		Example: `  tocsin token add li.wei --role lead > .tocsin/token
  tocsin token list
  tocsin token revoke li.wei`,
	}
	cmd.AddCommand(tokenAddCommand(), tokenListCommand(), tokenRevokeCommand())
	return cmd
}

func tokenAddCommand() *cobra.Command {
	var person string
	var roles []string
	var lifetime time.Duration
	cmd := &cobra.Command{
		Use:   "add NAME --role ROLE",
		Short: "Make a token and print it, this once",
		Long: `Make a token and print it, this once: only its hash is kept.

The roles are responder (opens incidents, works the plan, amends facts, imports people), lead (all of that; prepares
filings and notices, proposes closing), approver (approves what another prepared), manager (reads), auditor (reads, the
journal too) and source (a machine that posts alerts, and nothing else). Who decides on what is told apart by the person,
so give each person a name of their own.`,
		Example: `  tocsin token add li.wei --role lead
  tocsin token add li.wei-phone --person li.wei --role approver --lifetime 720h
  tocsin token add alertmanager --role source`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(roles) == 0 {
				return usage("a token needs a role: --role %s", strings.Join(roleNames(), ", --role "))
			}
			for _, r := range roles {
				if !slices.Contains(roleNames(), r) {
					return usage("there is no role %q; the roles are %s", r, strings.Join(roleNames(), ", "))
				}
			}
			h := store.Holder{Token: args[0], Person: breach.Person(person)}
			if person == "" {
				h.Person = breach.Person(args[0])
			}
			for _, r := range roles {
				h.Roles = append(h.Roles, breach.Role(r))
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				token, err := s.AddToken(ctx, h, lifetime, operator())
				if err != nil {
					return err
				}
				fmt.Fprintln(cmd.OutOrStdout(), token)
				if isTerminal(cmd.OutOrStdout()) {
					fmt.Fprintf(cmd.ErrOrStderr(), "It is shown this once. Put it into %s, or into the file that api.token_file names.\n", tokenVariable)
				}
				return nil
			})
		},
	}
	cmd.Flags().StringVar(&person, "person", "", "whom it speaks for (default: NAME)")
	cmd.Flags().StringSliceVar(&roles, "role", nil, "what it may do; may be repeated")
	cmd.Flags().DurationVar(&lifetime, "lifetime", 0, "how long it is good, such as 720h (default: until revoked)")
	return cmd
}

func roleNames() []string {
	var names []string
	for _, r := range breach.Roles() {
		names = append(names, string(r))
	}
	return names
}

func tokenListCommand() *cobra.Command {
	var o viewOptions
	cmd := &cobra.Command{
		Use:     "list",
		Short:   "List all tokens, those that ended too",
		Example: "  tocsin token list\n  tocsin token list --output json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				tokens, err := s.Tokens(ctx)
				if err != nil {
					return err
				}
				return o.show(cmd, tokens, func(p *page) {
					rows := make([]table.Row, len(tokens))
					for i, t := range tokens {
						rows[i] = table.Row{t.Token, t.Person, joined(t.Roles), stamp(&t.CreatedAt), p.tokenState(t)}
					}
					p.table(table.Row{p.say("名称", "Name"), p.say("人员", "Person"), p.say("角色", "Roles"), p.say("创建", "Made"), p.say("状态", "State")}, rows)
				})
			})
		},
	}
	o.add(cmd)
	return cmd
}

func (p *page) tokenState(t store.TokenEntry) string {
	switch {
	case t.RevokedAt != nil:
		return p.say("已撤销 ", "revoked ") + stamp(t.RevokedAt)
	case t.ExpiresAt != nil && t.ExpiresAt.Before(now()):
		return p.say("已过期 ", "expired ") + stamp(t.ExpiresAt)
	case t.ExpiresAt != nil:
		return p.say("有效至 ", "good until ") + stamp(t.ExpiresAt)
	}
	return p.say("有效", "good until revoked")
}

func tokenRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "revoke NAME",
		Short:   "End a token at once",
		Example: "  tocsin token revoke li.wei-phone",
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return withStore(cmd, func(ctx context.Context, s *store.Store) error {
				err := s.RevokeToken(ctx, args[0], operator())
				if errors.Is(err, store.ErrNotFound) {
					return fmt.Errorf("there is no good token named %q: tocsin token list shows them", args[0])
				}
				if err == nil {
					fmt.Fprintf(cmd.OutOrStdout(), "The token %s is revoked.\n", args[0])
				}
				return err
			})
		},
	}
}

// withStore opens the database for a command that works on it directly.
func withStore(cmd *cobra.Command, do func(context.Context, *store.Store) error) error {
	url, err := databaseURL(cmd)
	if err != nil {
		return err
	}
	s, err := store.Open(cmd.Context(), url, nil, now) // tokens are hashed, not sealed: no key is needed
	if err != nil {
		return err
	}
	defer s.Close()
	return do(cmd.Context(), s)
}

// operator names who worked on the database directly, by the account on this machine.
func operator() breach.Person {
	if u, err := user.Current(); err == nil && u.Username != "" {
		return breach.Person("operator:" + u.Username)
	}
	return "operator"
}

// makeFolder makes the folder of a file of secrets, for its owner alone.
func makeFolder(file string) error {
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		return fmt.Errorf("the folder %s cannot be made", filepath.Dir(file))
	}
	return nil
}

package regulation

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"cel.dev/cel-go/cel"
	celast "cel.dev/cel-go/common/ast"
	"cel.dev/cel-go/common/operators"
	"cel.dev/cel-go/common/types"
	"cel.dev/cel-go/ext"

	"tocsin/internal/breach"
)

// levelPrefix begins the names that speak of a scale's level: at_least.cac_2025.relatively_major is true where the level is
// at least that.
const levelPrefix = "at_least."

// levelName is a scale's level as a condition names it.
func levelName(scale, level string) string {
	return levelPrefix + strings.ReplaceAll(scale, "-", "_") + "." + level
}

// conditions compiles CEL over the vocabulary of facts and the levels of scales.
//
// Macros are off: without comprehensions a condition costs no more than its length, whoever wrote it.
type conditions struct {
	env    *cel.Env
	levels map[string]bool    // names that begin with levelPrefix
	known  map[string]*clause // by expression: many rules ask the same
}

func newConditions(levels []string) (*conditions, error) {
	c := &conditions{levels: map[string]bool{}, known: map[string]*clause{}}
	opts := []cel.EnvOption{cel.ClearMacros(), ext.Sets()}
	for _, d := range breach.FactDefs() {
		opts = append(opts, cel.Variable(string(d.Name), celType(d.Type)))
	}
	for _, name := range levels {
		if !c.levels[name] {
			c.levels[name] = true
			opts = append(opts, cel.Variable(name, cel.BoolType))
		}
	}
	env, err := cel.NewEnv(opts...)
	if err != nil {
		return nil, fmt.Errorf("prepare conditions: %w", err)
	}
	c.env = env
	return c, nil
}

func celType(t breach.FactType) *cel.Type {
	switch t {
	case breach.FactBool:
		return cel.BoolType
	case breach.FactInt:
		return cel.IntType
	case breach.FactEnum:
		return cel.StringType
	case breach.FactSet:
		return cel.ListType(cel.StringType)
	case breach.FactTime:
		return cel.TimestampType
	case breach.FactCounts:
		return cel.MapType(cel.StringType, cel.IntType)
	}
	panic("regulation: fact type " + string(t))
}

// clause is one compiled condition with its words.
type clause struct {
	text    breach.Text
	source  string // the expression as written
	program cel.Program
	facts   []breach.FactName // every fact it reads, in the vocabulary's order
	levels  []string          // every level it reads
	regions []string          // every region whose people it reads
	bounds  []bound
}

// bound is a number that a condition compares a fact with; cases must stand on both sides of it.
type bound struct {
	fact   breach.FactName
	region string
	op     string // operators.GreaterEquals and its like
	value  int64
}

// total are the functions that a condition may use: each answers whatever the facts are. Arithmetic and conversions are not
// among them, as one rule that divides by zero must not keep a whole assessment from being made.
var total = map[string]bool{
	operators.LogicalAnd: true, operators.LogicalOr: true, operators.LogicalNot: true, operators.Conditional: true,
	operators.Equals: true, operators.NotEquals: true, operators.In: true, operators.Index: true,
	operators.Less: true, operators.LessEquals: true, operators.Greater: true, operators.GreaterEquals: true,
	"sets.intersects": true, "sets.contains": true, "sets.equivalent": true, "size": true,
}

// maxExpression limits a condition. The longest of ours has some 300 characters.
const maxExpression = 2000

// compile checks an expression. Its faults name the line in the pack.
func (c *conditions) compile(file string, expr located, text breach.Text) (*clause, []*Fault) {
	fault := func(line int, what, mend string) []*Fault {
		return []*Fault{{File: file, Line: line, Text: what, Mend: mend}}
	}
	if strings.TrimSpace(expr.Text) == "" {
		return nil, fault(expr.Line, "the condition is empty", "write expr: with a CEL condition, such as people.total >= 1000000")
	}
	if len(expr.Text) > maxExpression {
		return nil, fault(expr.Line, fmt.Sprintf("the condition has %d characters", len(expr.Text)),
			fmt.Sprintf("split it into several, none above %d", maxExpression))
	}
	if same, ok := c.known[expr.Text]; ok {
		again := *same
		again.text = text
		return &again, nil
	}
	ast, issues := c.env.Compile(expr.Text)
	if issues.Err() != nil {
		var faults []*Fault
		for _, e := range issues.Errors() {
			line := expr.Line + max(0, e.Location.Line()-1)
			faults = append(faults, &Fault{File: file, Line: line, Text: "condition: " + firstLine(e.Message), Mend: mendFor(e.Message)})
		}
		return nil, faults
	}
	if !ast.OutputType().IsExactType(cel.BoolType) {
		return nil, fault(expr.Line, "the condition gives "+ast.OutputType().String()+", not true or false",
			"compare it with a value, such as >= 1 or == \"confirmed\"")
	}
	cl := &clause{text: text, source: expr.Text}
	if faults := cl.read(file, expr.Line, ast.NativeRep()); len(faults) > 0 {
		return nil, faults
	}
	program, err := c.env.Program(ast, cel.EvalOptions(cel.OptOptimize, cel.OptPartialEval), cel.CostLimit(10_000))
	if err != nil {
		return nil, fault(expr.Line, "condition: "+firstLine(err.Error()), "simplify it")
	}
	cl.program = program
	c.known[expr.Text] = cl
	return cl, nil
}

func firstLine(s string) string {
	line, _, _ := strings.Cut(s, "\n")
	return line
}

// mendFor turns the compiler's complaint into advice.
func mendFor(message string) string {
	switch {
	case strings.Contains(message, "undeclared reference"):
		_, name, _ := strings.Cut(message, "'")
		name, _, _ = strings.Cut(name, "'")
		if near, ok := breach.NearestFact(breach.FactName(name)); ok {
			return "did you mean " + string(near) + "?"
		}
		return "use a fact's name (tocsin facts new lists them) or a level such as at_least.cac_2025.relatively_major"
	case strings.Contains(message, "no matching overload"):
		return "compare a fact with a value of its own type: numbers without quotes, words in quotes, sets with sets.intersects(kinds, [\"leak\"])"
	case strings.Contains(message, "Syntax error"):
		return "mend the spelling of the condition; it is CEL, with && || ! and quotes around words"
	}
	return "see docs/law.md on conditions"
}

// read collects what the expression speaks of, and refuses words that a fact can never have.
func (cl *clause) read(file string, line int, ast *celast.AST) []*Fault {
	var faults []*Fault
	facts, levels := map[breach.FactName]bool{}, map[string]bool{}
	name := func(e celast.Expr) string {
		if r, ok := ast.ReferenceMap()[e.ID()]; ok && len(r.OverloadIDs) == 0 {
			return r.Name
		}
		return ""
	}
	for _, r := range ast.ReferenceMap() {
		switch {
		case r.Name == "" || len(r.OverloadIDs) > 0:
		case strings.HasPrefix(r.Name, levelPrefix):
			levels[r.Name] = true
		default:
			facts[breach.FactName(r.Name)] = true
		}
	}
	celast.PostOrderVisit(ast.Expr(), celast.NewExprVisitor(func(e celast.Expr) {
		if e.Kind() != celast.CallKind {
			return
		}
		call := e.AsCall()
		if !total[call.FunctionName()] {
			faults = append(faults, &Fault{
				File: file, Line: line, Text: "a condition may not use " + plainName(call.FunctionName()),
				Mend: "compare facts with == != < <= > >= in, sets.intersects, and join with && || !",
			})
		}
		args := call.Args()
		if len(args) != 2 {
			return
		}
		fact, other := name(args[0]), args[1]
		if call.FunctionName() == operators.In || fact == "" && name(args[1]) != "" {
			fact, other = name(args[1]), args[0]
			if fact == "" { // fact in ["a", "b"]
				fact, other = name(args[0]), args[1]
			}
		}
		if call.FunctionName() == operators.Index {
			region, ok := stringOf(args[1])
			if !ok {
				faults = append(faults, &Fault{
					File: file, Line: line, Text: "a region must be written out",
					Mend: "write it in quotes: people.by_region[\"US-CA\"]",
				})
			}
			cl.regions = append(cl.regions, region)
			return
		}
		faults = append(faults, checkWords(file, line, fact, other)...)
		cl.bounds = append(cl.bounds, boundsOf(call.FunctionName(), args, name)...)
	}))
	for _, d := range breach.FactDefs() {
		if facts[d.Name] {
			cl.facts = append(cl.facts, d.Name)
		}
	}
	cl.levels = slices.Sorted(maps.Keys(levels))
	return faults
}

// plainName writes an operator as people type it: "/" for "_/_".
func plainName(function string) string {
	if symbol, ok := operators.FindReverse(function); ok && symbol != "" {
		return symbol
	}
	return function
}

// checkWords refuses to compare an enum or a set with a word it cannot hold: such a condition would be false for ever.
func checkWords(file string, line int, fact string, other celast.Expr) []*Fault {
	def, ok := breach.DefOf(breach.FactName(fact))
	if !ok || (def.Type != breach.FactEnum && def.Type != breach.FactSet) {
		return nil
	}
	words := []celast.Expr{other}
	if other.Kind() == celast.ListKind {
		words = other.AsList().Elements()
	}
	var faults []*Fault
	for _, w := range words {
		if s, ok := stringOf(w); ok && !slices.Contains(def.Values, s) {
			faults = append(faults, &Fault{
				File: file, Line: line, Text: fmt.Sprintf("%s is never %q", fact, s),
				Mend: "use one of " + strings.Join(def.Values, ", "),
			})
		}
	}
	return faults
}

func boundsOf(op string, args []celast.Expr, name func(celast.Expr) string) []bound {
	switch op {
	case operators.GreaterEquals, operators.Greater, operators.LessEquals, operators.Less:
	default:
		return nil
	}
	v, ok := intOf(args[1])
	if !ok {
		return nil
	}
	b := bound{fact: breach.FactName(name(args[0])), op: op, value: v}
	if b.fact == "" && args[0].Kind() == celast.CallKind && args[0].AsCall().FunctionName() == operators.Index {
		index := args[0].AsCall().Args()
		b.fact = breach.FactName(name(index[0]))
		b.region, _ = stringOf(index[1])
	}
	if b.fact == "" {
		return nil
	}
	return []bound{b}
}

func stringOf(e celast.Expr) (string, bool) {
	if e.Kind() != celast.LiteralKind {
		return "", false
	}
	s, ok := e.AsLiteral().Value().(string)
	return s, ok
}

func intOf(e celast.Expr) (int64, bool) {
	if e.Kind() != celast.LiteralKind {
		return 0, false
	}
	n, ok := e.AsLiteral().(types.Int)
	return int64(n), ok
}

package hclfile

import (
	"github.com/hashicorp/hcl/v2"

	"orch/states"
)

func (r *reader) window(block *hcl.Block, at states.Place) states.Window {
	b := r.open(block, windowGrammar)
	r.place(at, block.DefRange)
	w := states.Window{Name: block.Labels[0], TimeZone: "UTC", OnClose: states.FinishBatch}
	r.need(b, "schedule", "duration")
	set(r, b, "deny", &w.Deny, r.flag)
	set(r, b, "schedule", &w.Schedule, r.schedule)
	set(r, b, "duration", &w.Duration, r.someTime)
	set(r, b, "time_zone", &w.TimeZone, r.timeZone)
	set(r, b, "on_close", &w.OnClose, r.word(states.FinishBatch, states.FinishMove, states.PauseOnClose))
	return w
}

func (r *reader) timeZone(name string, e hcl.Expression) (string, bool) {
	text, ok := r.filledText(name, e)
	if !ok {
		return "", false
	}
	if _, err := states.Zone(text); err != nil {
		r.add(e.Range(), "Unknown time zone", "%s takes a name like \"UTC\" or \"Europe/Paris\"; not %q.", name, text)
		return "", false
	}
	return text, true
}

func (r *reader) schedule(name string, e hcl.Expression) (string, bool) {
	text, ok := r.text(name, e)
	if !ok {
		return "", false
	}
	if _, err := states.ParseCron(text); err != nil {
		r.add(e.Range(), "Not a schedule", "%s takes minute, hour, day of month, month and day of week, as in \"0 22 * * 1-5\"; %v.", name, err)
		return "", false
	}
	return text, true
}

package main

import (
	"encoding/json"
	"strings"
)

// change is a line of a difference: ' ' in both, '-' only before, '+' only after, '~' lines left out.
type change struct {
	sign byte
	line string
}

// around is how many lines without a change are shown beside one.
const around = 3

// difference compares two texts line by line, and leaves out what is far from any change.
func difference(before, after string) []change {
	all := compared(lines(before), lines(after))
	near := make([]bool, len(all))
	for i, c := range all {
		if c.sign != ' ' {
			for j := max(0, i-around); j <= min(len(all)-1, i+around); j++ {
				near[j] = true
			}
		}
	}
	var shown []change
	for i, c := range all {
		switch {
		case near[i]:
			shown = append(shown, c)
		case len(shown) == 0 || shown[len(shown)-1].sign != '~':
			shown = append(shown, change{'~', ""})
		}
	}
	return shown
}

func lines(text string) []string {
	if text == "" {
		return nil
	}
	return strings.Split(strings.TrimSuffix(text, "\n"), "\n")
}

// compared finds the longest common lines. What both begin and end with is cut off first: the rest is
// small, where a table of all pairs costs nothing.
func compared(before, after []string) []change {
	var head, tail []change
	for len(before) > 0 && len(after) > 0 && before[0] == after[0] {
		head = append(head, change{' ', before[0]})
		before, after = before[1:], after[1:]
	}
	for len(before) > 0 && len(after) > 0 && before[len(before)-1] == after[len(after)-1] {
		tail = append([]change{{' ', before[len(before)-1]}}, tail...)
		before, after = before[:len(before)-1], after[:len(after)-1]
	}
	common := make([][]int, len(before)+1) // of what is left from i and j on
	for i := range common {
		common[i] = make([]int, len(after)+1)
	}
	for i := len(before) - 1; i >= 0; i-- {
		for j := len(after) - 1; j >= 0; j-- {
			if before[i] == after[j] {
				common[i][j] = common[i+1][j+1] + 1
			} else {
				common[i][j] = max(common[i+1][j], common[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(before) || j < len(after); {
		switch {
		case i < len(before) && j < len(after) && before[i] == after[j]:
			head = append(head, change{' ', before[i]})
			i, j = i+1, j+1
		case j == len(after) || i < len(before) && common[i+1][j] >= common[i][j+1]:
			head = append(head, change{'-', before[i]})
			i++
		default:
			head = append(head, change{'+', after[j]})
			j++
		}
	}
	return append(head, tail...)
}

// differ puts a difference on the page. A line that is too long goes on in the next.
func (p *page) differ(before, after string) {
	const indent = "        "
	for _, c := range difference(before, after) {
		look := map[byte]style{'-': red, '+': green, '~': dim, ' ': plain}[c.sign]
		if c.sign == '~' {
			p.add(span{indent + "...", look})
			continue
		}
		rest := []rune(visible(c.line))
		for room := max(20, p.width-len(indent)-2); ; rest = rest[room:] {
			if len(rest) <= room || cells(string(rest)) <= room {
				p.add(text(indent), span{string(c.sign) + " " + string(rest), look})
				break
			}
			p.add(text(indent), span{string(c.sign) + " " + string(rest[:room]), look})
		}
	}
}

// spelledOut is a document as it lies in Consul, or nothing.
func spelledOut[T any](document *T) string {
	if document == nil {
		return ""
	}
	text, _ := json.MarshalIndent(document, "", "  ") // our own types can always be written
	return string(text)
}

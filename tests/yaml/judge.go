// Reads each edit before and after with go-yaml v2 and v3, which Kubernetes' tools read with; as Debian packages them.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	yaml2 "gopkg.in/yaml.v2"
	yaml3 "gopkg.in/yaml.v3"
)

type edit struct {
	Before string `json:"before"`
	After  string `json:"after"`
	Value  string `json:"value"`
}

// A value of a document, as a reader has it; everything but the value stays as it is.
type leaf struct {
	kind, value string
}

func walk3(node *yaml3.Node, out *[]leaf) {
	kind := fmt.Sprintf("%d &%s %v", node.Kind, node.Anchor, node.Kind == yaml3.ScalarNode)
	value := node.Value
	if node.Kind == yaml3.ScalarNode && node.ShortTag() != "!!str" {
		value = node.ShortTag() + " " + value
	}
	*out = append(*out, leaf{kind, value})
	for _, child := range node.Content {
		walk3(child, out)
	}
}

func read3(text string) (out []leaf, err error) {
	defer recovered(&err)
	decoder := yaml3.NewDecoder(strings.NewReader(text))
	for {
		var node yaml3.Node
		if err := decoder.Decode(&node); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		walk3(&node, &out)
	}
}

func walk2(value interface{}, out *[]leaf) {
	switch value := value.(type) {
	case map[interface{}]interface{}:
		*out = append(*out, leaf{"map", fmt.Sprint(len(value))})
		keys := make(map[string]interface{})
		names := []string{}
		for key := range value {
			name := fmt.Sprintf("%T %v", key, key)
			names = append(names, name)
			keys[name] = key
		}
		sort.Strings(names)
		for _, name := range names {
			*out = append(*out, leaf{"key", name})
			walk2(value[keys[name]], out)
		}
	case []interface{}:
		*out = append(*out, leaf{"list", fmt.Sprint(len(value))})
		for _, item := range value {
			walk2(item, out)
		}
	case string:
		*out = append(*out, leaf{"scalar", value})
	default:
		*out = append(*out, leaf{"scalar", fmt.Sprintf("%T %v", value, value)})
	}
}

func read2(text string) (out []leaf, err error) {
	defer recovered(&err)
	decoder := yaml2.NewDecoder(strings.NewReader(text))
	for {
		var document interface{}
		if err := decoder.Decode(&document); err == io.EOF {
			return out, nil
		} else if err != nil {
			return nil, err
		}
		walk2(document, &out)
	}
}

func recovered(err *error) {
	if cause := recover(); cause != nil {
		*err = fmt.Errorf("panic: %v", cause)
	}
}

func fits(before, after []leaf, value string) bool {
	if len(before) != len(after) {
		return false
	}
	differ := 0
	for at := range before {
		if before[at] == after[at] {
			continue
		}
		differ++
		if before[at].kind != after[at].kind || after[at].value != value {
			return false
		}
	}
	return differ <= 1
}

func main() {
	file, err := os.Open(os.Args[1])
	if err != nil {
		panic(err)
	}
	readers := map[string]func(string) ([]leaf, error){"go-yaml v2": read2, "go-yaml v3": read3}
	judged, unread, wrong := 0, 0, 0
	lines := bufio.NewReaderSize(file, 1<<20)
	for {
		line, err := lines.ReadString('\n')
		if err == io.EOF {
			break
		}
		var edit edit
		if err := json.Unmarshal([]byte(line), &edit); err != nil {
			panic(err)
		}
		for name, read := range readers {
			before, err := read(edit.Before)
			if err != nil {
				unread++
				continue
			}
			judged++
			after, err := read(edit.After)
			if err != nil || !fits(before, after, edit.Value) {
				wrong++
				fmt.Fprintf(os.Stderr, "%s: %v: %s", name, err, line)
			}
		}
	}
	fmt.Printf("go-yaml v2 and v3: %d readings, %d of originals that it does not read, %d wrong\n", judged, unread, wrong)
	if wrong > 0 {
		os.Exit(1)
	}
}

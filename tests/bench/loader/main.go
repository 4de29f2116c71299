// Constant load on this machine, bounded in rate and time: what failed and how, and how long each answer took. It sends nothing twice.
//
// It ends when its standard input does and -least requests were sent; after -seconds whatever comes. A line for each request goes to
// -out: its way, when it was due (microseconds since 1970), how long it took from then (microseconds), how it failed, in a word and in words.
package main

import (
	"bufio"
	"flag"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"runtime/debug"
	"strings"
	"sync/atomic"
	"time"
)

var (
	address  = flag.String("address", "127.0.0.1:8080", "where to connect: this machine, or a container of it")
	host     = flag.String("host", "localhost", "the Host header")
	echo     = flag.String("echo", "", "every tenth request is a POST of 100 bytes to this path, which answers with their number")
	rate     = flag.Float64("rate", 0, "requests a second, evenly spread; 0: as many as it can")
	seconds  = flag.Float64("seconds", 60, "it ends by itself after so long")
	least    = flag.Int64("least", 0, "so many requests at least")
	kept     = flag.Int("kept", 8, "workers on kept connections")
	fresh    = flag.Int("fresh", 0, "workers on a fresh connection for each request")
	http2    = flag.Int("http2", 0, "workers that share one HTTP/2 connection")
	big      = flag.Int("big", 0, "bytes of the upload and of the download that are always on their way; 0: none are")
	bigTakes = flag.Duration("big-takes", 10*time.Second, "how long each of the two takes")
	out      = flag.String("out", "/dev/stdout", "file of the samples")
)

// Ask sends a request, the turn-th of its worker; it returns how that failed, in a word and in words.
type Ask func(turn int) (kind, detail string)

type sample struct {
	way    string
	due    time.Time
	took   time.Duration
	kind   string
	detail string
}

type load struct {
	begun   time.Time
	sent    atomic.Int64
	ended   atomic.Bool // standard input is at its end
	workers int
	samples chan []sample
}

func main() {
	flag.Parse()
	debug.SetGCPercent(1000) // memory is there; a collection takes the processors from what is measured
	if name, _, _ := net.SplitHostPort(*address); !isHere(net.ParseIP(name)) {
		log.Fatalf("%s is not on this machine", *address)
	}
	all := &load{begun: time.Now(), workers: *kept + *fresh + *http2, samples: make(chan []sample)}
	go func() {
		io.Copy(io.Discard, os.Stdin)
		all.ended.Store(true)
	}()
	running := 0
	begin := func(way string, interval time.Duration, offset int, ask Ask) {
		running++
		go all.work(way, interval, offset, ask)
	}
	interval := time.Duration(0)
	if *rate > 0 {
		interval = time.Duration(float64(all.workers) / *rate * float64(time.Second))
	}
	shared := overHTTP2()
	for index := range all.workers {
		switch {
		case index < *kept:
			begin("kept", interval, index, plain(true))
		case index < *kept+*fresh:
			begin("fresh", interval, index, plain(false))
		default:
			begin("http2", interval, index, shared)
		}
	}
	if *big > 0 {
		begin("upload", 0, 0, upload)
		begin("download", 0, 0, download)
	}
	if err := all.write(running); err != nil {
		log.Fatal(err)
	}
}

// isHere returns whether an address is loopback, or of a container: on a bridge of this machine.
func isHere(ip net.IP) bool {
	interfaces, _ := net.Interfaces()
	for _, one := range interfaces {
		networks, _ := one.Addrs()
		for _, network := range networks {
			if _, mask, _ := net.ParseCIDR(network.String()); mask.Contains(ip) && isBridge(one) {
				return true
			}
		}
	}
	return ip.IsLoopback()
}

func isBridge(one net.Interface) bool {
	return strings.HasPrefix(one.Name, "docker") || strings.HasPrefix(one.Name, "br-")
}

func (all *load) isOver() bool {
	return time.Since(all.begun).Seconds() > *seconds || all.ended.Load() && all.sent.Load() >= *least
}

// work asks again and again. A request that had to wait for a slow one before it counts from when it was due; one that this program woke
// up late for counts from then.
func (all *load) work(way string, interval time.Duration, offset int, ask Ask) {
	var found []sample
	for turn := 0; !all.isOver(); turn++ {
		due := time.Now()
		if interval > 0 {
			due = all.begun.Add(time.Duration(turn)*interval + time.Duration(offset)*interval/time.Duration(all.workers))
			if early := time.Until(due); early > 0 {
				time.Sleep(early)
				due = time.Now()
			}
		}
		kind, detail := ask(turn)
		found = append(found, sample{way, due, time.Since(due), kind, detail})
		all.sent.Add(1)
	}
	all.samples <- found
}

func (all *load) write(running int) error {
	file, err := os.Create(*out)
	if err != nil {
		return err
	}
	lines := bufio.NewWriter(file)
	for range running {
		for _, one := range <-all.samples {
			fmt.Fprintln(lines, one.way, one.due.UnixMicro(), one.took.Microseconds(), one.kind, one.detail)
		}
	}
	if err := lines.Flush(); err != nil {
		return err
	}
	return file.Close()
}

// The app behind the measurements: fast, and it says which release answers. On SIGTERM it ends what it has begun.
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"syscall"
)

var release = os.Getenv("RAILWAY_DEPLOYMENT_ID")

func main() {
	http.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { fmt.Fprintf(w, "hello %s\n", version) })
	http.HandleFunc("/count", count)
	http.HandleFunc("/download", download)
	http.HandleFunc("/websocket", websocket)
	server := &http.Server{Addr: os.Getenv("HOST") + ":" + os.Getenv("PORT")}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		asked, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
		defer stop()
		<-asked.Done()
		server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended
}

// count answers with the length of the body that it read.
func count(w http.ResponseWriter, r *http.Request) {
	length, err := io.Copy(io.Discard, r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	fmt.Fprint(w, length)
}

// download sends ?bytes=N of them.
func download(w http.ResponseWriter, r *http.Request) {
	left, _ := strconv.Atoi(r.URL.Query().Get("bytes"))
	w.Header().Set("Content-Length", strconv.Itoa(left))
	for piece := make([]byte, 64<<10); left > 0; left -= len(piece) {
		if _, err := w.Write(piece[:min(left, len(piece))]); err != nil {
			return
		}
	}
}

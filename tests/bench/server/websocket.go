package main

import (
	"bufio"
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
)

const (
	magic   = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11" // RFC 6455, section 1.3
	text    = 0x1
	closing = 0x8
	ping    = 0x9
	pong    = 0xA
)

// websocket says which release it is and sends short messages back as they came.
func websocket(w http.ResponseWriter, r *http.Request) {
	hijacker, is := w.(http.Hijacker)
	if !is || r.Header.Get("Sec-WebSocket-Key") == "" {
		w.WriteHeader(http.StatusUpgradeRequired)
		return
	}
	connection, stream, err := hijacker.Hijack()
	if err != nil {
		return
	}
	defer connection.Close()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + magic))
	accept := base64.StdEncoding.EncodeToString(sum[:])
	fmt.Fprintf(stream, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s\r\n\r\n", accept)
	if send(stream, text, []byte(release)) != nil {
		return
	}
	for {
		kind, body, err := receive(stream.Reader)
		if err != nil {
			return
		}
		if kind == ping {
			kind = pong
		}
		if send(stream, kind, body) != nil || kind == closing {
			return
		}
	}
}

// receive reads one masked frame of less than 126 bytes, which is all that the loader sends.
func receive(stream *bufio.Reader) (kind byte, body []byte, err error) {
	var head [6]byte
	if _, err = io.ReadFull(stream, head[:]); err != nil {
		return
	}
	body = make([]byte, head[1]&0x7F)
	_, err = io.ReadFull(stream, body)
	for index := range body {
		body[index] ^= head[2+index%4]
	}
	return head[0] & 0xF, body, err
}

func send(stream *bufio.ReadWriter, kind byte, body []byte) error {
	stream.Write([]byte{0x80 | kind, byte(len(body))})
	stream.Write(body)
	return stream.Flush()
}

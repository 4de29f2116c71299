package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"syscall"
	"time"
)

const (
	patience  = 40 * time.Second
	echoEvery = 10
	bodyBytes = 100
)

var body = bytes.Repeat([]byte("x"), bodyBytes)

// request returns the turn-th request of a worker and the answer that it must have; empty: any.
func request(turn int) (found *http.Request, expected string) {
	if isEcho(turn) {
		found, _ = http.NewRequest("POST", "http://"+*address+*echo, bytes.NewReader(body))
		expected = fmt.Sprint(bodyBytes)
	} else {
		found, _ = http.NewRequest("GET", "http://"+*address+"/", nil)
	}
	found.Host = *host
	return found, expected
}

func isEcho(turn int) bool { return *echo != "" && turn%echoEvery == echoEvery-1 }

// message is a request as it is sent over HTTP/1.1: made once, since what asks shares the processors with what answers.
type message struct {
	asked    *http.Request
	expected string
	text     []byte
}

// messages returns the usual request and the one to the echo.
func messages() (usual, echoing message) {
	of := func(turn int) message {
		asked, expected := request(turn)
		var text bytes.Buffer
		asked.Write(&text)
		return message{asked, expected, text.Bytes()}
	}
	return of(0), of(echoEvery - 1)
}

// plain returns what asks over HTTP/1.1 with a connection of its own. Go's client would repeat a request on a connection that was closed.
func plain(isKept bool) Ask {
	usual, echoing := messages()
	var connection net.Conn
	var answers *bufio.Reader
	return func(turn int) (string, string) {
		if connection == nil {
			opened, err := net.DialTimeout("tcp", *address, patience)
			if err != nil {
				return failure(err)
			}
			connection, answers = opened, bufio.NewReader(opened)
		}
		asked := usual
		if isEcho(turn) {
			asked = echoing
		}
		closes, err := exchange(connection, answers, asked)
		if err != nil || closes || !isKept {
			connection.Close()
			connection = nil
		}
		return failure(err)
	}
}

func exchange(connection net.Conn, answers *bufio.Reader, one message) (closes bool, err error) {
	connection.SetDeadline(time.Now().Add(patience))
	if _, err := connection.Write(one.text); err != nil {
		return true, err
	}
	answer, err := http.ReadResponse(answers, one.asked)
	if err != nil {
		return true, err
	}
	return answer.Close, check(answer, one.expected)
}

// overHTTP2 returns what asks over one connection, without TLS. What the server says it did not look at may be asked for again.
func overHTTP2() Ask {
	protocols := new(http.Protocols)
	protocols.SetUnencryptedHTTP2(true)
	client := &http.Client{Transport: &http.Transport{Protocols: protocols}, Timeout: patience}
	return func(turn int) (string, string) {
		asked, expected := request(turn)
		answer, err := client.Do(asked)
		if err == nil {
			err = check(answer, expected)
		}
		return failure(err)
	}
}

type wrong struct {
	status int
	text   string
}

func (one wrong) Error() string { return fmt.Sprintf("%d %.80q", one.status, one.text) }

func check(answer *http.Response, expected string) error {
	text, err := io.ReadAll(answer.Body)
	answer.Body.Close()
	if err != nil {
		return err
	}
	if answer.StatusCode != http.StatusOK || expected != "" && string(text) != expected {
		return wrong{answer.StatusCode, string(text)}
	}
	return nil
}

// failure returns the word and the words for it: the words of `rw prove`.
func failure(err error) (kind, detail string) {
	var answered wrong
	var network net.Error
	switch {
	case err == nil:
		return "", ""
	case errors.As(err, &answered) && answered.status >= 500:
		kind = "5xx"
	case errors.Is(err, syscall.ECONNREFUSED):
		kind = "refused"
	case errors.As(err, &network) && network.Timeout(), errors.Is(err, os.ErrDeadlineExceeded):
		kind = "timeout"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		kind = "reset"
	default:
		kind = "other"
	}
	return kind, err.Error()
}

// slowly hands on what it wraps at such a pace that all of it takes as long as it was told.
type slowly struct{ io.Reader }

func (one slowly) Read(into []byte) (int, error) {
	count, err := one.Reader.Read(into)
	time.Sleep(*bigTakes * time.Duration(count) / time.Duration(*big))
	return count, err
}

type zeros struct{}

func (zeros) Read(into []byte) (int, error) { return len(into), nil }

func upload(int) (string, string) {
	asked, _ := http.NewRequest("POST", "http://"+*address+"/count", slowly{io.LimitReader(zeros{}, int64(*big))})
	asked.ContentLength, asked.Host = int64(*big), *host
	return transfer(asked, func(answer *http.Response) error { return check(answer, fmt.Sprint(*big)) })
}

func download(int) (string, string) {
	asked, _ := http.NewRequest("GET", fmt.Sprintf("http://%s/download?bytes=%d", *address, *big), nil)
	asked.Host = *host
	return transfer(asked, func(answer *http.Response) error {
		defer answer.Body.Close()
		if count, err := io.Copy(io.Discard, slowly{answer.Body}); err != nil || count != int64(*big) {
			return errors.Join(err, fmt.Errorf("%d of %d bytes came: %w", count, *big, io.ErrUnexpectedEOF))
		}
		return nil
	})
}

func transfer(asked *http.Request, check func(*http.Response) error) (string, string) {
	connection, err := net.DialTimeout("tcp", *address, patience)
	if err != nil {
		return failure(err)
	}
	defer connection.Close()
	if err := asked.Write(connection); err != nil {
		return failure(err)
	}
	answer, err := http.ReadResponse(bufio.NewReader(connection), asked)
	if err == nil {
		err = check(answer)
	}
	return failure(err)
}

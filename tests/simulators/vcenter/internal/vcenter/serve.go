package vcenter

import (
	"crypto/tls"
	"net/http"
	"net/url"

	_ "github.com/vmware/govmomi/pbm/simulator" // storage policies
	"github.com/vmware/govmomi/simulator"
	_ "github.com/vmware/govmomi/vapi/simulator" // content libraries
)

// Serve starts the API and returns its URL and how to stop it.
func (l *Lab) Serve() (string, func()) {
	l.limitSessions()
	mux := http.NewServeMux() // each pattern is more specific than the simulator's own
	mux.HandleFunc("POST /sdk", l.serveSDK)
	mux.Handle("/api/session", l.tags)
	mux.Handle("/api/cis/tagging/", l.tags)
	for _, method := range []string{"GET", "PUT", "POST"} {
		mux.HandleFunc(method+" /folder/", l.serveFolder)
	}
	service := l.service
	service.ServeMux, service.RegisterEndpoints = mux, true
	service.TLS = &tls.Config{Certificates: []tls.Certificate{l.certificate}, MinVersion: tls.VersionTLS12}
	service.Listen = &url.URL{Host: l.config.Listen, User: url.UserPassword(l.config.User, l.config.Password)}
	server := service.NewServer()
	l.address = server.URL.Host
	return "https://" + server.URL.Host, func() { closeServer(server) }
}

// closeServer does not wait: the server's own Close blocks until the last WaitForUpdatesEx has returned.
func closeServer(server *simulator.Server) { go server.Close() }

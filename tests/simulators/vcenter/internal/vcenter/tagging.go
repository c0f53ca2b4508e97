package vcenter

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// serveAPI maps /api/session and /api/cis/tagging to the simulator's older /rest paths.
func (l *Lab) serveAPI(writer http.ResponseWriter, request *http.Request) {
	action, err := rewriteToREST(request)
	if err != nil {
		writer.WriteHeader(http.StatusBadRequest)
		return
	}
	answer := &sink{header: writer.Header(), status: http.StatusOK}
	l.service.ServeMux.ServeHTTP(answer, request)
	var wrapped struct{ Value json.RawMessage }
	valid := json.Unmarshal(answer.Bytes(), &wrapped) == nil && wrapped.Value != nil
	switch {
	case answer.status != http.StatusOK:
		writer.WriteHeader(answer.status)
	case valid:
		writer.Header().Set("Content-Type", "application/json")
		if request.Method == http.MethodPost && action == "" {
			writer.WriteHeader(http.StatusCreated)
		}
		_, _ = writer.Write(wrapped.Value) // the client's loss
	case request.Method == http.MethodGet || strings.HasPrefix(action, "list"):
		_, _ = writer.Write([]byte("[]"))
	default:
		writer.WriteHeader(http.StatusNoContent)
	}
}

func rewriteToREST(request *http.Request) (action string, err error) {
	parts := strings.Split(strings.TrimPrefix(request.URL.Path, "/api/"), "/")
	switch len(parts) {
	case 1:
		parts = []string{"cis", "session"}
	case 4:
		parts[3] = "id:" + parts[3]
	}
	action = request.URL.Query().Get("action")
	request.URL.Path, request.URL.RawQuery = "/rest/com/vmware/"+strings.Join(parts, "/"), ""
	if action != "" {
		request.URL.RawQuery = "~action=" + action
		return action, nil
	}
	body, err := io.ReadAll(request.Body)
	if err == nil && len(body) > 0 {
		name := map[string]string{http.MethodPost: "create_spec", http.MethodPatch: "update_spec"}[request.Method]
		body = fmt.Appendf(nil, `{%q:%s}`, name, body)
		request.Body, request.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	}
	return "", err
}

package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func read(t *testing.T, text string) (*Config, error) {
	t.Helper()
	name := filepath.Join(t.TempDir(), "vcenter.json")
	if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return Read(name)
}

func TestAnEmptyConfigurationIsComplete(t *testing.T) {
	config, err := read(t, `{"machines": [{"name": "a", "disks": [{"size": 512}]}]}`)
	if err != nil {
		t.Fatal(err)
	}
	if config.Datastores[0].Folder != filepath.Join(config.Folder, "datastores", "datastore1") {
		t.Errorf("datastore in %s", config.Datastores[0].Folder)
	}
	if disk := config.Machines[0].Disks[0]; disk.Controller != "pvscsi" || !*disk.Thin || disk.Datastore != "datastore1" {
		t.Errorf("%+v", disk)
	}
}

func TestWrongConfigurationsAreRefusedWithTheReason(t *testing.T) {
	for text, reason := range map[string]string{
		`{"listen": "0.0.0.0:443"}`:                                                 "loopback",
		`{"control": "192.0.2.1:1"}`:                                                "loopback",
		`{"gate": "localhost:1"}`:                                                   "loopback",
		`{"machine": []}`:                                                           "unknown field",
		`{"machines": [{"name": "a"}, {"name": "a"}]}`:                              "twice",
		`{"machines": [{"name": "a", "power": "maybe"}]}`:                           "power",
		`{"machines": [{"name": "a", "disks": [{}]}]}`:                              "size",
		`{"late_tracking": "sometimes"}`:                                            "late_tracking",
		`{"machines": [{"name": "a", "disks": [{"size": 512, "datastore": "x"}]}]}`: "datastore",
	} {
		if _, err := read(t, text); err == nil || !strings.Contains(err.Error(), reason) {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestTheCertificateStaysTheSame(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "tls")
	first, err := Certificate(folder)
	if err != nil {
		t.Fatal(err)
	}
	second, err := Certificate(folder)
	if err != nil || string(first.Certificate[0]) != string(second.Certificate[0]) {
		t.Errorf("another certificate, %v", err)
	}
}

package databasetest

import (
	"context"
	"fmt"

	"github.com/souk-market/souk/internal/engine/databasetest/pgserver"
)

// Server is a temporary PostgreSQL server on a Unix socket.
type Server = pgserver.Server

// ServerOptions tune a temporary server.
type ServerOptions = pgserver.Options

// ErrNoPostgres means that no PostgreSQL server is installed here.
var ErrNoPostgres = pgserver.ErrNoPostgres

// StartServer makes a new cluster and starts a server on it, ready when
// StartServer returns. It takes about two seconds.
func StartServer(ctx context.Context, o ServerOptions) (*Server, error) {
	return pgserver.Start(ctx, o)
}

// withDatabase returns the URL of another database of the same server.
func withDatabase(server, name string) (string, error) {
	url, err := pgserver.Database(server, name)
	if err != nil {
		return "", fmt.Errorf("%s: %w", ServerVariable, err)
	}
	return url, nil
}

//go:build tools

// Package pulumi pins what the Pulumi CLI is built from where no release can be downloaded.
package pulumi

import _ "github.com/pulumi/pulumi/pkg/v3/cmd/pulumi"

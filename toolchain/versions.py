"""Every version and checksum that the toolchain pins, in one place."""

from __future__ import annotations

PULUMI = "3.255.0"
"""The CLI that is downloaded or built. The Python SDK in requirements.txt has the same version."""

PULUMI_MINIMUM = (3, 255, 0)
"""The oldest CLI on PATH that is used as it is: the SDK's version. An older one was never tried with it."""

PULUMI_SHA256 = {
    "linux-x64": "cf559568e2c32f7fae56ea3de8ae5fa48973ba8c5aa9dd2b3dc0c8898fe50dba",
    "linux-arm64": "699fbc6ea848d997e9b3645487f108d27b1b55ec807c7576406131e6e080f0e3",
}
"""SHA-256 of the release archives. On another platform the release's own list of checksums is used."""

PULUMI_PROGRAMS_OF_THE_SDK = ("python/cmd/pulumi-language-python-exec", "python/dist/pulumi-resource-pulumi-python")
"""Scripts that a built CLI needs beside it, as paths in the module of the SDK."""

PULUMI_RELEASES = "https://get.pulumi.com/releases/sdk"

PLUGINS = {"docker": "5.2.0"}
"""The resource plug-ins. The Python SDK of each in requirements.txt has the same version."""

PLUGIN_RELEASES = "https://get.pulumi.com/releases/plugins"

GO_MINIMUM = (1, 26)
"""The oldest Go that builds `PULUMI`, from the go line of its go.mod."""

// Command plugin is the Pulumi resource plugin of Docker, for machines where the official one cannot be downloaded: the same
// Terraform provider in the same bridge, with the names that the Python SDK knows.
//
// The path of the module is below the provider's, since the provider's package is internal to it.
package main

import (
	"os"
	"time"

	"github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfbridge"
	shimv2 "github.com/pulumi/pulumi-terraform-bridge/v3/pkg/tfshim/sdk-v2"
	"github.com/pulumi/pulumi/sdk/v3/go/common/tokens"

	"github.com/terraform-providers/terraform-provider-docker/internal/provider"
)

const name = "docker"

// version is the one of the Python SDK in requirements.txt.
const version = "5.2.0"

// resources are the types of the SDK, by the names that they have in Terraform.
var resources = map[string]*tfbridge.ResourceInfo{
	"docker_buildx_builder": {Tok: "docker:index/buildxBuilder:BuildxBuilder"},
	"docker_config":         {Tok: "docker:index/serviceConfig:ServiceConfig"},
	"docker_container": {
		Tok: "docker:index/container:Container",
		Fields: map[string]*tfbridge.SchemaInfo{
			"command":           {Name: "command"},
			"networks_advanced": {Name: "networksAdvanced"},
		},
	},
	"docker_image":          {Tok: "docker:index/remoteImage:RemoteImage"},
	"docker_network":        {Tok: "docker:index/network:Network"},
	"docker_plugin":         {Tok: "docker:index/plugin:Plugin"},
	"docker_registry_image": {Tok: "docker:index/registryImage:RegistryImage"},
	"docker_secret":         {Tok: "docker:index/secret:Secret"},
	"docker_service":        {Tok: "docker:index/service:Service"},
	"docker_tag":            {Tok: "docker:index/tag:Tag"},
	"docker_volume":         {Tok: "docker:index/volume:Volume"},
}

// functions are the functions of the SDK, by the data sources that they have in Terraform.
var functions = map[string]tokens.ModuleMember{
	"docker_image":                    "docker:index/getRemoteImage:getRemoteImage",
	"docker_logs":                     "docker:index/getLogs:getLogs",
	"docker_network":                  "docker:index/getNetwork:getNetwork",
	"docker_plugin":                   "docker:index/getPlugin:getPlugin",
	"docker_registry_image":           "docker:index/getRegistryImage:getRegistryImage",
	"docker_registry_image_manifests": "docker:index/getRegistryImageManifests:getRegistryImageManifests",
}

func describe() tfbridge.ProviderInfo {
	info := tfbridge.ProviderInfo{
		P:            shimv2.NewProvider(provider.New(version)()),
		Name:         name,
		Version:      version,
		Config:       map[string]*tfbridge.SchemaInfo{"registry_auth": {Name: "registryAuth"}},
		Resources:    resources,
		DataSources:  map[string]*tfbridge.DataSourceInfo{},
		MetadataInfo: tfbridge.NewProviderMetadata([]byte("{}")),
	}
	for source, token := range functions {
		info.DataSources[source] = &tfbridge.DataSourceInfo{Tok: token}
	}
	info.SetAutonaming(255, "-")
	return info
}

// watch ends the plugin with the engine that started it: one that was killed tells nobody.
func watch(engine int) {
	for os.Getppid() == engine {
		time.Sleep(time.Second)
	}
	os.Exit(0)
}

func main() {
	go watch(os.Getppid())
	// The schema is for generators of SDKs; programs never ask for it.
	tfbridge.Main(name, version, describe(), []byte(`{"name": "docker"}`))
}

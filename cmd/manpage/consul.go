package manpage

// Consul are Consul's own variables, which both programs heed.
var Consul = []Entry{
	{"CONSUL_HTTP_ADDR", "Address of Consul's HTTP API, http://127.0.0.1:8500 where it is not set; also https:// and unix://."},
	{"CONSUL_HTTP_TOKEN_FILE", "File with the ACL token. It must belong to whoever reads it, or to root, and be nobody else's to read but its group's."},
	{"CONSUL_HTTP_TOKEN", "The token itself. Root can read it in /proc, and so can who runs programs as the same user: a file is better."},
	{"CONSUL_DATACENTER", "The datacenter, where it is not the local Consul agent's own."},
	{"CONSUL_HTTP_SSL", "true: Consul is spoken to by TLS, also where its address does not say https."},
	{"CONSUL_CACERT", "File of the certificate authority that Consul's certificate is checked with."},
	{"CONSUL_CAPATH", "Folder of certificate authorities."},
	{"CONSUL_CLIENT_CERT", "Certificate to show to Consul."},
	{"CONSUL_CLIENT_KEY", "The key of that certificate."},
	{"CONSUL_TLS_SERVER_NAME", "The name that Consul's certificate must have."},
}

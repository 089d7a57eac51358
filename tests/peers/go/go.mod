module bellwire/peers

go 1.18

require github.com/devyx-tech/go-smpp v1.0.5

require (
	golang.org/x/net v0.11.0 // indirect
	golang.org/x/text v0.10.0 // indirect
)

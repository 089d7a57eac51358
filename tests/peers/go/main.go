// An SMSC by go-smpp. Told what to do by JSON lines on standard input, tells every PDU by JSON lines on standard
// output, in the words of message_centre.mjs. The library handles each PDU on a goroutine of its own, so responses
// come in any order; ids are decimal, and receipts, text alone, are sent before the response.
//
// Usage: message_centre SYSTEM_ID PASSWORD
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"time"

	"github.com/devyx-tech/go-smpp/smpp"
	"github.com/devyx-tech/go-smpp/smpp/pdu"
	"github.com/devyx-tech/go-smpp/smpp/pdu/pdufield"
)

type fact map[string]any

var (
	systemID, password string
	server             smpp.Server

	telling sync.Mutex

	state    sync.Mutex
	throttle int
	lose     int
	receipts = "DELIVRD"
	accepted uint32
	// Sessions that were bound, the last one at the end, and those of them that may get receipts.
	bound, receivers []smpp.Session
	// Receipts that await their response, by sequence number.
	awaited = map[uint32]fact{}
)

func send(to smpp.Session, body pdu.Body) {
	if err := to.Write(body); err != nil {
		tell(fact{"broken": err.Error()})
	}
}

func tell(what fact) {
	telling.Lock()
	defer telling.Unlock()
	line, err := json.Marshal(what)
	if err != nil {
		panic(err)
	}
	fmt.Println(string(line))
}

func main() {
	systemID, password = os.Args[1], os.Args[2]
	log.SetOutput(io.Discard)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	server = smpp.NewUnstartedServer(systemID, password, telltale{listener})
	for _, id := range []pdu.ID{pdu.BindTransceiverID, pdu.BindTransmitterID, pdu.BindReceiverID} {
		server.HandleAuth(id, bind)
	}
	server.Handle(pdu.SubmitSMID, submit)
	server.Handle(pdu.EnquireLinkID, func(s smpp.Session, body pdu.Body) {
		send(s, pdu.NewEnquireLinkRespSeq(body.Header().Seq))
	})
	server.Handle(pdu.EnquireLinkRespID, func(smpp.Session, pdu.Body) {})
	server.Handle(pdu.DeliverSMRespID, receiptAnswered)
	server.Handle(pdu.UnbindID, func(s smpp.Session, body pdu.Body) {
		tell(fact{"unbind": fact{}})
		send(s, pdu.NewUnbindRespSeq(body.Header().Seq))
		_ = s.Close()
	})
	server.Start()
	tell(fact{"listening": listener.Addr().(*net.TCPAddr).Port})

	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		carryOut(lines.Bytes())
	}
}

func carryOut(line []byte) {
	var commands map[string]any
	if err := json.Unmarshal(line, &commands); err != nil {
		panic(err)
	}
	for name, value := range commands {
		state.Lock()
		switch name {
		case "throttle":
			throttle = int(value.(float64))
		case "lose":
			lose = int(value.(float64))
		case "receipts":
			receipts, _ = value.(string)
		case "enquire":
			for _, s := range bound {
				if open(s) {
					send(s, pdu.NewEnquireLink())
				}
			}
		default:
			panic(name)
		}
		state.Unlock()
		tell(fact{"done": name})
	}
}

var binds = map[pdu.ID]struct {
	mode     string
	response func(uint32) pdu.Body
}{
	pdu.BindTransceiverID: {"bind_transceiver", pdu.NewBindTransceiverRespSeq},
	pdu.BindTransmitterID: {"bind_transmitter", pdu.NewBindTransmitterRespSeq},
	pdu.BindReceiverID:    {"bind_receiver", pdu.NewBindReceiverRespSeq},
}

// The library's own answer to a bind has a sequence number of its own.
func bind(s smpp.Session, body pdu.Body) error {
	header, fields := body.Header(), body.Fields()
	kind := binds[header.ID]
	known := fields[pdufield.SystemID].String() == systemID && fields[pdufield.Password].String() == password
	tell(fact{"bind": fact{
		"mode": kind.mode, "known": known, "system_id": fields[pdufield.SystemID].String(),
		"version": octet(fields, pdufield.InterfaceVersion), "type": fields[pdufield.SystemType].String(),
	}})
	response := kind.response(header.Seq)
	if !known {
		response.Header().Status = pdu.BindFailed
		_ = s.Write(response)
		return errors.New("unknown")
	}
	_ = response.Fields().Set(pdufield.SystemID, "CENTRE")
	state.Lock()
	bound = append(bound, s)
	if header.ID != pdu.BindTransmitterID {
		receivers = append(receivers, s)
	}
	state.Unlock()
	send(s, response)
	return nil
}

func open(s smpp.Session) bool {
	return server.Session(s.ID()) != nil
}

func octet(fields pdufield.Map, name pdufield.Name) int {
	return int(fields[name].Bytes()[0])
}

func address(fields pdufield.Map, ton, npi, digits pdufield.Name) []any {
	return []any{octet(fields, ton), octet(fields, npi), fields[digits].String()}
}

func submit(s smpp.Session, body pdu.Body) {
	fields := body.Fields()
	status, id := fate()
	elements := []string{}
	if list, ok := fields[pdufield.GSMUserData].(*pdufield.UDHList); ok {
		for _, element := range list.Data {
			// Its Bytes would end with a NUL of the library's.
			octets := append([]byte{element.IEI.Data, element.IELength.Data}, element.IEData.Data...)
			elements = append(elements, hex.EncodeToString(octets))
		}
	}
	registered := octet(fields, pdufield.RegisteredDelivery)
	tell(fact{"submit": fact{
		"status":              status,
		"message_id":          id,
		"esm_class":           octet(fields, pdufield.ESMClass),
		"data_coding":         octet(fields, pdufield.DataCoding),
		"registered_delivery": registered,
		"validity_period":     fields[pdufield.ValidityPeriod].String(),
		"source":              address(fields, pdufield.SourceAddrTON, pdufield.SourceAddrNPI, pdufield.SourceAddr),
		"destination":         address(fields, pdufield.DestAddrTON, pdufield.DestAddrNPI, pdufield.DestinationAddr),
		"udh":                 elements,
		"message":             hex.EncodeToString(fields[pdufield.ShortMessage].Bytes()),
	}})
	if status == "LOST" {
		_ = s.Close()
		return
	}
	response := pdu.NewSubmitSMRespSeq(body.Header().Seq)
	if status == "ESME_RTHROTTLED" {
		response.Header().Status = pdu.ThrottlingError
		send(s, response)
		return
	}
	if registered&1 == 1 {
		receipt(fields, id)
	}
	_ = response.Fields().Set(pdufield.MessageID, id)
	send(s, response)
}

// What becomes of the next submit, and its id.
func fate() (string, string) {
	state.Lock()
	defer state.Unlock()
	switch {
	case lose > 0:
		lose--
		return "LOST", ""
	case throttle > 0:
		throttle--
		return "ESME_RTHROTTLED", ""
	}
	accepted++
	return "ESME_ROK", fmt.Sprintf("%010d", accepted)
}

func receipt(submitted pdufield.Map, id string) {
	state.Lock()
	kind := receipts
	var to smpp.Session
	for _, s := range receivers {
		if open(s) {
			to = s
		}
	}
	state.Unlock()
	if kind == "" || to == nil {
		return
	}
	now, delivered := time.Now().Format("0601021504"), "000"
	if kind == "DELIVRD" {
		delivered = "001"
	}
	deliver := pdu.NewDeliverSM()
	fields := deliver.Fields()
	for from, into := range map[pdufield.Name]pdufield.Name{
		pdufield.SourceAddrTON: pdufield.DestAddrTON, pdufield.SourceAddrNPI: pdufield.DestAddrNPI,
		pdufield.SourceAddr: pdufield.DestinationAddr, pdufield.DestAddrTON: pdufield.SourceAddrTON,
		pdufield.DestAddrNPI: pdufield.SourceAddrNPI, pdufield.DestinationAddr: pdufield.SourceAddr,
	} {
		_ = fields.Set(into, submitted[from])
	}
	_ = fields.Set(pdufield.ESMClass, 0x04)
	text := fmt.Sprintf("id:%s sub:001 dlvrd:%s submit date:%s done date:%s stat:%s err:000 text:", id, delivered, now, now, kind)
	_ = fields.Set(pdufield.ShortMessage, text)
	state.Lock()
	awaited[deliver.Header().Seq] = fact{"message_id": id, "state": kind}
	state.Unlock()
	send(to, deliver)
}

func receiptAnswered(_ smpp.Session, body pdu.Body) {
	header := body.Header()
	state.Lock()
	told := awaited[header.Seq]
	delete(awaited, header.Seq)
	state.Unlock()
	if told != nil {
		told["answer"] = int(header.Status)
		tell(fact{"receipt": told})
	}
}

// The library does not say when a connection is gone: its listener does.
type telltale struct{ net.Listener }

func (l telltale) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	return &line{Conn: conn}, err
}

type line struct {
	net.Conn
	gone sync.Once
}

func (l *line) Close() error {
	l.gone.Do(func() { tell(fact{"closed": fact{}}) })
	return l.Conn.Close()
}

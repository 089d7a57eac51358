"""An SMSC by smpp.twisted3. Told what to do by JSON lines on standard input, tells every PDU by JSON lines on standard
output, in the words of message_centre.mjs. Ids are UUIDs, and receipts have their facts in TLVs alone, no text.

Usage: python message_centre.py SYSTEM_ID PASSWORD
"""

import json
import sys
import uuid

from smpp.pdu.operations import DeliverSM, EnquireLink
from smpp.pdu.pdu_encoding import PDUEncoder
from smpp.pdu.pdu_types import (
    AddrNpi,
    AddrTon,
    CommandId,
    CommandStatus,
    EsmClass,
    EsmClassMode,
    EsmClassType,
    MessageState,
    RegisteredDeliveryReceipt,
)
from smpp.twisted.config import SMPPServerConfig
from smpp.twisted.protocol import DataHandlerResponse, SMPPServerProtocol
from smpp.twisted.server import IAuthenticatedSMPP, SMPPServerFactory
from twisted.cred.checkers import InMemoryUsernamePasswordDatabaseDontUse
from twisted.cred.portal import IRealm, Portal
from twisted.internet import reactor, stdio
from twisted.protocols.basic import LineReceiver
from zope.interface import implementer

SYSTEM_ID, PASSWORD = sys.argv[1:]
STATES = {
    "DELIVRD": MessageState.DELIVERED,
    "EXPIRED": MessageState.EXPIRED,
    "UNDELIV": MessageState.UNDELIVERABLE,
    "REJECTD": MessageState.REJECTED,
}
TON = {AddrTon.UNKNOWN: 0, AddrTon.INTERNATIONAL: 1, AddrTon.NATIONAL: 2, AddrTon.NETWORK_SPECIFIC: 3}
NPI = {AddrNpi.UNKNOWN: 0, AddrNpi.ISDN: 1}


def tell(kind, fact):
    """Tells a fact."""
    print(json.dumps({kind: fact}), flush=True)


class Orders:
    """What is to be done."""

    throttle = 0
    lose = 0
    receipts = "DELIVRD"

    def fate(self):
        """What becomes of the next submit."""
        if self.lose:
            self.lose -= 1
            return "LOST"
        if self.throttle:
            self.throttle -= 1
            return "ESME_RTHROTTLED"
        return "ESME_ROK"


ORDERS = Orders()


class Session(SMPPServerProtocol):
    """The library's, with words."""

    def doBindRequest(self, reqPDU, sessionState):
        fields = reqPDU.params
        system_id, password = fields["system_id"].decode(), fields["password"].decode()
        bind = {
            "mode": reqPDU.commandId.name,
            "known": (system_id, password) == (SYSTEM_ID, PASSWORD),
            "system_id": system_id,
            "version": fields["interface_version"],
            "type": fields["system_type"].decode(),
        }
        tell("bind", bind)
        return super().doBindRequest(reqPDU, sessionState)

    def onPDURequest_unbind(self, reqPDU):
        tell("unbind", {})
        super().onPDURequest_unbind(reqPDU)

    def connectionLost(self, reason):
        tell("closed", {})
        super().connectionLost(reason)


def receive(_system_id, session, submit):
    """Takes a submit_sm."""
    fields, status = submit.params, ORDERS.fate()
    message_id = str(uuid.uuid4()) if status == "ESME_ROK" else ""
    tell("submit", describe(submit, status, message_id))
    if status == "LOST":
        session.transport.abortConnection()
        return None
    if status != "ESME_ROK":
        return CommandStatus[status]
    wanted = fields["registered_delivery"].receipt != RegisteredDeliveryReceipt.NO_SMSC_DELIVERY_RECEIPT_REQUESTED
    if wanted and ORDERS.receipts:
        reactor.callLater(0, receipt, fields, message_id, ORDERS.receipts)
    return DataHandlerResponse(CommandStatus.ESME_ROK, message_id=message_id)


def describe(submit, status, message_id):
    """A submit_sm as the other peers tell it; the library says numbers by names, so octets are read where they stand."""
    fields, octets = submit.params, submit.params["short_message"]
    begin = octets[0] + 1 if submit.params["esm_class"].gsmFeatures else 0
    elements, at = [], 1
    while at < begin:
        end = at + 2 + octets[at + 1]
        elements.append(octets[at:end].hex())
        at = end
    octet = lambda name: PDUEncoder.DefaultRequiredParamEncoders[name].encode(fields[name])[0]
    return {
        "status": status,
        "message_id": message_id,
        "esm_class": octet("esm_class"),
        "data_coding": octet("data_coding"),
        "registered_delivery": octet("registered_delivery"),
        "validity_period": str(fields["validity_period"]),
        "source": [TON[fields["source_addr_ton"]], NPI[fields["source_addr_npi"]], fields["source_addr"].decode()],
        "destination": [
            TON[fields["dest_addr_ton"]],
            NPI[fields["dest_addr_npi"]],
            fields["destination_addr"].decode(),
        ],
        "udh": elements,
        "message": octets[begin:].hex(),
    }


def receipt(submitted, message_id, state):
    """Tells what became of a message, to whoever receives."""
    bound = FACTORY.getBoundConnections(SYSTEM_ID)
    session = bound and bound.getNextBindingForDelivery()
    if not session:
        return
    pdu = DeliverSM(
        source_addr_ton=submitted["dest_addr_ton"],
        source_addr_npi=submitted["dest_addr_npi"],
        source_addr=submitted["destination_addr"],
        dest_addr_ton=submitted["source_addr_ton"],
        dest_addr_npi=submitted["source_addr_npi"],
        destination_addr=submitted["source_addr"],
        esm_class=EsmClass(EsmClassMode.DEFAULT, EsmClassType.SMSC_DELIVERY_RECEIPT),
        receipted_message_id=message_id,
        message_state=STATES[state],
    )
    told = {"message_id": message_id, "state": state}
    session.sendDataRequest(pdu).addCallbacks(
        lambda result: tell("receipt", {**told, "answer": 0}),
        lambda failure: tell("receipt", {**told, "answer": failure.getErrorMessage()}),
    )


class Console(LineReceiver):
    """Standard input."""

    delimiter = b"\n"

    def lineReceived(self, line):
        ((name, parameter),) = json.loads(line).items()
        if name == "enquire":
            for session in FACTORY.getBoundConnections(SYSTEM_ID) or ():
                session.sendRequest(EnquireLink(), 10).addErrback(lambda failure: tell("broken", str(failure)))
        else:
            setattr(ORDERS, name, parameter)
        tell("done", name)

    def connectionLost(self, reason):
        reactor.stop()


@implementer(IRealm)
class Realm:
    """Everybody who proves who he is is let in."""

    def requestAvatar(self, avatarId, mind, *interfaces):
        return IAuthenticatedSMPP, avatarId, lambda: None


def portal():
    """Who may bind."""
    checker = InMemoryUsernamePasswordDatabaseDontUse()
    checker.addUser(SYSTEM_ID, PASSWORD)
    return Portal(Realm(), [checker])


FACTORY = SMPPServerFactory(SMPPServerConfig(msgHandler=receive, systems={SYSTEM_ID: {"max_bindings": 2}}), portal())
FACTORY.protocol = Session
stdio.StandardIO(Console())
tell("listening", reactor.listenTCP(0, FACTORY, interface="127.0.0.1").getHost().port)
reactor.run()

// An SMSC by jSMPP. Told what to do by JSON lines on standard input, tells every PDU by JSON lines on standard output,
// in the words of message_centre.mjs. Ids and receipts are those of the library's own simulator: hexadecimal in the
// response, decimal in the receipt, which is text alone and ends with the beginning of the message, binary or not.
//
// Usage: java MessageCentre SYSTEM_ID PASSWORD

import com.google.gson.Gson;
import com.google.gson.JsonElement;
import com.google.gson.JsonParser;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Date;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import org.jsmpp.SMPPConstant;
import org.jsmpp.bean.BindType;
import org.jsmpp.bean.BroadcastSm;
import org.jsmpp.bean.CancelBroadcastSm;
import org.jsmpp.bean.CancelSm;
import org.jsmpp.bean.DataCodings;
import org.jsmpp.bean.DataSm;
import org.jsmpp.bean.DeliveryReceipt;
import org.jsmpp.bean.ESMClass;
import org.jsmpp.bean.GSMSpecificFeature;
import org.jsmpp.bean.InterfaceVersion;
import org.jsmpp.bean.MessageMode;
import org.jsmpp.bean.MessageType;
import org.jsmpp.bean.NumberingPlanIndicator;
import org.jsmpp.bean.OptionalParameter;
import org.jsmpp.bean.QueryBroadcastSm;
import org.jsmpp.bean.QuerySm;
import org.jsmpp.bean.RegisteredDelivery;
import org.jsmpp.bean.ReplaceSm;
import org.jsmpp.bean.SubmitMulti;
import org.jsmpp.bean.SubmitSm;
import org.jsmpp.bean.TypeOfNumber;
import org.jsmpp.extra.ProcessRequestException;
import org.jsmpp.extra.SessionState;
import org.jsmpp.session.BindRequest;
import org.jsmpp.session.BroadcastSmResult;
import org.jsmpp.session.DataSmResult;
import org.jsmpp.session.QueryBroadcastSmResult;
import org.jsmpp.session.QuerySmResult;
import org.jsmpp.session.SMPPServerSession;
import org.jsmpp.session.SMPPServerSessionListener;
import org.jsmpp.session.ServerMessageReceiverListener;
import org.jsmpp.session.ServerResponseDeliveryListener;
import org.jsmpp.session.Session;
import org.jsmpp.session.SubmitMultiResult;
import org.jsmpp.session.SubmitSmResult;
import org.jsmpp.session.connection.ServerConnection;
import org.jsmpp.session.connection.ServerConnectionFactory;
import org.jsmpp.session.connection.socket.ServerSocketConnection;
import org.jsmpp.util.DeliveryReceiptState;
import org.jsmpp.util.MessageId;
import org.jsmpp.util.RandomMessageIDGenerator;

public class MessageCentre implements ServerMessageReceiverListener, ServerResponseDeliveryListener {
    private static final Gson GSON = new Gson();
    private static final int BIND_LIMIT_MS = 10_000;

    private final String systemId;
    private final String password;
    private final RandomMessageIDGenerator ids = new RandomMessageIDGenerator();
    private final ExecutorService workers = Executors.newCachedThreadPool(MessageCentre::daemon);
    private final Set<SMPPServerSession> bound = ConcurrentHashMap.newKeySet();
    // What is to be told of a message once its response has been written.
    private final Map<String, SubmitSm> answered = new ConcurrentHashMap<>();
    private int throttle;
    private int lose;
    private String receipts = "DELIVRD";

    private MessageCentre(String systemId, String password) {
        this.systemId = systemId;
        this.password = password;
    }

    public static void main(String[] arguments) throws IOException {
        MessageCentre centre = new MessageCentre(arguments[0], arguments[1]);
        ServerSocket socket = new ServerSocket(0, 50, InetAddress.getLoopbackAddress());
        SMPPServerSessionListener listener =
                new SMPPServerSessionListener(socket.getLocalPort(), new Listening(socket));
        tell("listening", socket.getLocalPort());
        daemon(() -> centre.accept(listener)).start();
        BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String line = lines.readLine(); line != null; line = lines.readLine()) {
            centre.carryOut(line);
        }
        System.exit(0);
    }

    private static Thread daemon(Runnable work) {
        Thread thread = new Thread(work);
        thread.setDaemon(true);
        return thread;
    }

    private static synchronized void tell(String kind, Object fact) {
        System.out.println(GSON.toJson(Map.of(kind, fact)));
        System.out.flush();
    }

    private void carryOut(String line) {
        for (Map.Entry<String, JsonElement> command : JsonParser.parseString(line).getAsJsonObject().entrySet()) {
            JsonElement value = command.getValue();
            synchronized (this) {
                switch (command.getKey()) {
                    case "throttle": throttle = value.getAsInt(); break;
                    case "lose": lose = value.getAsInt(); break;
                    case "receipts": receipts = value.isJsonNull() ? null : value.getAsString(); break;
                    // The library asks by itself, after so long a silence.
                    case "enquire": bound.forEach(session -> session.setEnquireLinkTimer(100)); break;
                    default: throw new IllegalArgumentException(line);
                }
            }
            tell("done", command.getKey());
        }
    }

    private void accept(SMPPServerSessionListener listener) {
        try {
            while (true) {
                SMPPServerSession session = listener.accept();
                session.setMessageReceiverListener(this);
                session.setResponseDeliveryListener(this);
                session.addSessionStateListener(this::changed);
                workers.execute(() -> bind(session));
            }
        } catch (IOException error) {
            tell("broken", error.toString());
        }
    }

    private void bind(SMPPServerSession session) {
        try {
            BindRequest request = session.waitForBind(BIND_LIMIT_MS);
            boolean known = request.getSystemId().equals(systemId) && request.getPassword().equals(password);
            tell("bind", Map.of(
                    "mode", mode(request.getBindType()), "known", known, "system_id", request.getSystemId(),
                    "version", request.getInterfaceVersion().value(), "type", String.valueOf(request.getSystemType())));
            if (!known) {
                request.reject(SMPPConstant.STAT_ESME_RBINDFAIL);
                return;
            }
            bound.add(session);
            request.accept("CENTRE", InterfaceVersion.IF_34);
        } catch (Exception error) {
            tell("broken", error.toString());
            session.close();
        }
    }

    private static String mode(BindType type) {
        switch (type) {
            case BIND_TX: return "bind_transmitter";
            case BIND_RX: return "bind_receiver";
            default: return "bind_transceiver";
        }
    }

    private void changed(SessionState now, SessionState before, Session session) {
        if (now == SessionState.UNBOUND) {
            tell("unbind", Map.of());
        } else if (now == SessionState.CLOSED && bound.remove(session)) {
            tell("closed", Map.of());
        }
    }

    @Override
    public SubmitSmResult onAcceptSubmitSm(SubmitSm submit, SMPPServerSession session) throws ProcessRequestException {
        String fate = fate();
        MessageId id = ids.newMessageId();
        boolean accepted = fate.equals("ESME_ROK");
        tell("submit", describe(submit, fate, accepted ? id.getValue() : ""));
        if (fate.equals("LOST")) {
            session.close();
            throw new ProcessRequestException("lost", SMPPConstant.STAT_ESME_RSYSERR);
        }
        if (!accepted) {
            throw new ProcessRequestException("throttled", SMPPConstant.STAT_ESME_RTHROTTLED);
        }
        answered.put(id.getValue(), submit);
        return new SubmitSmResult(id, new OptionalParameter[0]);
    }

    // What becomes of the next submit.
    private synchronized String fate() {
        if (lose > 0) {
            lose -= 1;
            return "LOST";
        }
        if (throttle > 0) {
            throttle -= 1;
            return "ESME_RTHROTTLED";
        }
        return "ESME_ROK";
    }

    private static Map<String, Object> describe(SubmitSm submit, String status, String id) {
        byte[] text = submit.getShortMessage();
        int begin = submit.isUdhi() ? text[0] + 1 : 0;
        List<String> elements = new ArrayList<>();
        for (int at = 1; at < begin; at += 2 + text[at + 1]) {
            elements.add(hex(text, at, at + 2 + text[at + 1]));
        }
        Map<String, Object> fact = new LinkedHashMap<>();
        fact.put("status", status);
        fact.put("message_id", id);
        fact.put("esm_class", submit.getEsmClass() & 0xff);
        fact.put("data_coding", submit.getDataCoding() & 0xff);
        fact.put("registered_delivery", submit.getRegisteredDelivery() & 0xff);
        fact.put("validity_period", submit.getValidityPeriod());
        fact.put("source", List.of(submit.getSourceAddrTon(), submit.getSourceAddrNpi(), submit.getSourceAddr()));
        fact.put("destination", List.of(submit.getDestAddrTon(), submit.getDestAddrNpi(), submit.getDestAddress()));
        fact.put("udh", elements);
        fact.put("message", hex(text, begin, text.length));
        return fact;
    }

    private static String hex(byte[] octets, int begin, int end) {
        StringBuilder text = new StringBuilder();
        for (int at = begin; at < end; at++) {
            text.append(String.format("%02x", octets[at]));
        }
        return text.toString();
    }

    @Override
    public void onSubmitSmRespSent(SubmitSmResult result, SMPPServerSession session) {
        SubmitSm submit = answered.remove(result.getMessageId());
        String state;
        synchronized (this) {
            state = receipts;
        }
        if (submit != null && state != null && (submit.getRegisteredDelivery() & 1) == 1) {
            workers.execute(() -> receipt(submit, result.getMessageId(), state));
        }
    }

    private void receipt(SubmitSm submit, String id, String state) {
        String answer = "no receiver";
        for (SMPPServerSession session : bound) {
            if (session.getSessionState().isReceivable()) {
                answer = deliver(session, submit, id, state);
                break;
            }
        }
        // As numbers where it is one: the other peers tell the status.
        tell("receipt", Map.of("message_id", id, "state", state, "answer", answer.isEmpty() ? 0 : (Object) answer));
    }

    private static String deliver(SMPPServerSession session, SubmitSm submit, String id, String state) {
        Date now = new Date();
        boolean delivered = state.equals("DELIVRD");
        String decimal = Integer.valueOf(id, 16).toString();
        DeliveryReceipt receipt = new DeliveryReceipt(decimal, 1, delivered ? 1 : 0, now, now,
                DeliveryReceiptState.getByName(state), null, new String(submit.getShortMessage()));
        try {
            session.deliverShortMessage("mc",
                    TypeOfNumber.valueOf(submit.getDestAddrTon()), NumberingPlanIndicator.valueOf(submit.getDestAddrNpi()),
                    submit.getDestAddress(),
                    TypeOfNumber.valueOf(submit.getSourceAddrTon()),
                    NumberingPlanIndicator.valueOf(submit.getSourceAddrNpi()), submit.getSourceAddr(),
                    new ESMClass(MessageMode.DEFAULT, MessageType.SMSC_DEL_RECEIPT, GSMSpecificFeature.DEFAULT),
                    (byte) 0, (byte) 0, new RegisteredDelivery(0), DataCodings.ZERO, receipt.toString().getBytes());
            return "";
        } catch (Exception error) {
            return error.toString();
        }
    }

    @Override
    public void onSubmitSmRespError(SubmitSmResult result, Exception cause, SMPPServerSession session) {
        answered.remove(result.getMessageId());
    }

    @Override
    public void onSubmitMultiRespSent(SubmitMultiResult result, SMPPServerSession session) {}

    @Override
    public void onSubmitMultiRespError(SubmitMultiResult result, Exception cause, SMPPServerSession session) {}

    private static ProcessRequestException unsupported() {
        return new ProcessRequestException("not supported", SMPPConstant.STAT_ESME_RINVCMDID);
    }

    @Override
    public SubmitMultiResult onAcceptSubmitMulti(SubmitMulti request, SMPPServerSession session)
            throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public QuerySmResult onAcceptQuerySm(QuerySm request, SMPPServerSession session) throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public void onAcceptReplaceSm(ReplaceSm request, SMPPServerSession session) throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public void onAcceptCancelSm(CancelSm request, SMPPServerSession session) throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public BroadcastSmResult onAcceptBroadcastSm(BroadcastSm request, SMPPServerSession session)
            throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public void onAcceptCancelBroadcastSm(CancelBroadcastSm request, SMPPServerSession session)
            throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public QueryBroadcastSmResult onAcceptQueryBroadcastSm(QueryBroadcastSm request, SMPPServerSession session)
            throws ProcessRequestException {
        throw unsupported();
    }

    @Override
    public DataSmResult onAcceptDataSm(DataSm request, Session session) throws ProcessRequestException {
        throw unsupported();
    }

    // The library would listen on every address; this listens where it is told to.
    private static final class Listening implements ServerConnectionFactory {
        private final ServerSocket socket;

        Listening(ServerSocket socket) {
            this.socket = socket;
        }

        @Override
        public ServerConnection listen(int port) {
            return new ServerSocketConnection(socket);
        }

        @Override
        public ServerConnection listen(int port, int timeout) throws IOException {
            socket.setSoTimeout(timeout);
            return listen(port);
        }

        @Override
        public ServerConnection listen(int port, int timeout, int backlog) throws IOException {
            return listen(port, timeout);
        }
    }
}

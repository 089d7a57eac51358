//! Wrong values, and in which words they are refused.

/// What follows the least configuration from line 4 on, and the message: line, column, key, value, range.
pub(super) const WRONG: &[(&str, &str)] = &[
    ("window = 20000", "4:10: smsc.main.window: value 20000 is not allowed: a whole number from 1 to 10000"),
    ("window = 0", "4:10: smsc.main.window: value 0 is not allowed: a whole number from 1 to 10000"),
    ("links = 65", "4:9: smsc.main.links: value 65 is not allowed: a whole number from 1 to 64"),
    ("rate = -1", "4:8: smsc.main.rate: value -1 is not allowed: a whole number from 0 to 1000000"),
    ("rate = 1.5", "4:8: smsc.main.rate: value 1.5 is not allowed"),
    ("window = \"many\"", "4:10: smsc.main.window: value \"many\" is not allowed"),
    (
        "system_id = \"0123456789abcdef\"",
        "4:13: smsc.main.system_id: value \"0123456789abcdef\" is not allowed: at most 15",
    ),
    ("bind = \"receiver\"", "4:8: smsc.main.bind: value \"receiver\" is not allowed: one of transceiver, split"),
    ("data_coding = 8", "4:15: smsc.main.data_coding: value 8 is not allowed: one of 0x04, 0xf5, 0x15"),
    ("payload = \"tlv\"", "4:11: smsc.main.payload: value \"tlv\" is not allowed: one of udh, sar, message_payload"),
    (
        "reference_range = [1, 15]",
        "4:19: smsc.main.reference_range: value a list is not allowed: [first, last], 1 to 255",
    ),
    ("reference_range = [0, 100]", "4:19: smsc.main.reference_range: value a list is not allowed: [first, last]"),
    ("reference_range = [1, 256]", "4:19: smsc.main.reference_range: value a list is not allowed: [first, last]"),
    ("source_address = \"+1555\"", "4:18: smsc.main.source_address: value \"+1555\" is not allowed: up to 20 digits"),
    ("routes = [\"44\", \"+1\"]", "4:17: smsc.main.routes: value \"+1\" is not allowed: a prefix of up to 15 digits"),
    ("version = \"3.5\"", "4:11: smsc.main.version: value \"3.5\" is not allowed: one of auto, 3.3, 3.4, 5.0"),
    ("version = \"3.3\"", "4:11: smsc.main.version: value \"3.3\" is not allowed: it has no transceivers, set bind"),
    ("bind_attempts = 0", "4:17: smsc.main.bind_attempts: value 0 is not allowed: a whole number from 1 to 100"),
    ("bind_retry = \"1s\"", "4:14: smsc.main.bind_retry: value \"1s\" is not allowed: a duration such as"),
    ("bind_spread = \"2m\"", "4:15: smsc.main.bind_spread: value \"2m\" is not allowed: a duration such as"),
    ("tls = 1", "4:7: smsc.main.tls: value 1 is not allowed: true or false"),
    ("ca_file = \"a\"", "4:11: smsc.main.ca_file: value \"a\" is not allowed: it needs tls = true"),
    ("server_name = \"a\"", "4:15: smsc.main.server_name: value \"a\" is not allowed: it needs tls = true"),
    ("tls = true\nclient_key = \"a\"", "1:1: smsc.main.client_certificate: missing, needed is the file that goes with"),
    ("outbind = \"host:1\"", "4:11: smsc.main.outbind: value \"host:1\" is not allowed: an IP address and a port"),
    ("outbind = \"127.0.0.1:1\"", "1:1: smsc.main.outbind_password: missing, needed is what the SMSC proves"),
    (
        "tls = true\noutbind = \"127.0.0.1:1\"\noutbind_password = \"x\"",
        "5:11: smsc.main.outbind: value \"127.0.0.1:1\" is not allowed: it needs tls = false",
    ),
    (
        "outbind_password = \"x\"",
        "4:20: smsc.main.outbind_password: value (not shown) is not allowed: it needs outbind",
    ),
    ("priority = 256", "4:12: smsc.main.priority: value 256 is not allowed: a whole number from 0 to 255"),
    ("cost = -1", "4:8: smsc.main.cost: value -1 is not allowed: a whole number from 0 to 1000000"),
    (
        "failover_after = \"25h\"",
        "4:18: smsc.main.failover_after: value \"25h\" is not allowed: a duration such as \"30s\", from 0s to 1day",
    ),
    (
        "return_after = \"25h\"",
        "4:16: smsc.main.return_after: value \"25h\" is not allowed: a duration such as \"30s\", from 0s to 1day",
    ),
    (
        "enquire_link = \"30\"",
        "4:16: smsc.main.enquire_link: value \"30\" is not allowed: a duration such as \"30s\", from 1s to 10m",
    ),
    ("enquire_link = 30", "4:16: smsc.main.enquire_link: value 30 is not allowed: a duration"),
    ("wimdow = 1", "4:1: smsc.main.wimdow: unknown key, known here are name, address,"),
    ("[[smsc]]\nname = \"main\"\naddress = \"a:1\"", "5:8: smsc.main.name: value \"main\" is not allowed: 1 to 32"),
    ("[[smsc]]\naddress = \"a:1\"", "4:1: smsc.1.name: missing, needed is 1 to 32"),
    ("[[smsc]]\nname = \"b\"", "4:1: smsc.b.address: missing, needed is host:port"),
    (
        "[[smsc]]\nname = \"b\"\naddress = \"nowhere\"",
        "6:11: smsc.b.address: value \"nowhere\" is not allowed: host:port",
    ),
    (
        "[node]\ndata_dir = 7",
        "5:12: node.data_dir: value 7 is not allowed: a path, or empty to keep everything in memory",
    ),
    ("[node]\njournal = \"after\"", "5:11: node.journal: value \"after\" is not allowed: one of batch, before"),
    ("[ops]\nlisten = \"localhost\"", "5:10: ops.listen: value \"localhost\" is not allowed: an IP address and a port"),
    ("[ops]\nready_requires_link = 1", "5:23: ops.ready_requires_link: value 1 is not allowed: true or false"),
    ("[budgets]\nannounce_at = 0", "5:15: budgets.announce_at: value 0 is not allowed: a whole number from 1 to 100"),
    (
        "[budgets]\nhandset_per_day = -1",
        "5:19: budgets.handset_per_day: value -1 is not allowed: a whole number from 0",
    ),
    ("[[budgets.tenant]]\nname = \"A\"", "5:8: budgets.tenant.A.name: value \"A\" is not allowed: a tenant's name"),
    ("[[budgets.tenant]]\nsource_per_day = 1", "4:1: budgets.tenant.0.name: missing, needed is a tenant's name"),
    ("[push]\nprofile = \"tiny\"", "5:11: push.profile: value \"tiny\" is not allowed: one of standard, compact"),
    ("[push]\napplication_id = \"a b\"", "5:18: push.application_id: value \"a b\" is not allowed: a 32-bit number"),
    (
        "[push]\ndestination_port = 65536",
        "5:20: push.destination_port: value 65536 is not allowed: a whole number from 1 to 65535",
    ),
    (
        "[policy]\nttl = \"29days\"",
        "5:7: policy.ttl: value \"29days\" is not allowed: a duration such as \"30s\", 0s for no limit, or 1s to 28days",
    ),
    (
        "[policy]\nbatch_window = \"25h\"",
        "5:16: policy.batch_window: value \"25h\" is not allowed: a duration such as \"30s\", 0s to 24h",
    ),
    ("[policy]\norder = \"fifo\"", "5:9: policy.order: value \"fifo\" is not allowed: one of strict, pipelined"),
    (
        "[policy]\nreceipts = \"some\"",
        "5:12: policy.receipts: value \"some\" is not allowed: one of all, last, sample, none",
    ),
    (
        "[policy]\npriority = \"first\"",
        "5:12: policy.priority: value \"first\" is not allowed: one of low, normal, high, urgent",
    ),
    (
        "[policy]\nat_limit = \"wait\"",
        "5:12: policy.at_limit: value \"wait\" is not allowed: one of hold, drop, notify",
    ),
    (
        "[policy]\ntypes = [\"a\", \"\"]",
        "5:15: policy.types: value \"\" is not allowed: at most 32 types of events, each from 1 to 64 octets without",
    ),
    (
        "[policy]\ncoalesce = \"field:\"",
        "5:12: policy.coalesce: value \"field:\" is not allowed: one of none, latest, type, field:NAME with a NAME from 1",
    ),
    ("[policy]\nmax_segments = 0", "5:16: policy.max_segments: value 0 is not allowed: a whole number from 1 to 255"),
    ("[admission]\noctets = 1000", "5:10: admission.octets: value 1000 is not allowed: a whole number from 262144 to"),
    ("[upstream]\nmax_event = 2097152", "4:2: upstream.log_octets: missing, needed is a whole number from 2097152 to"),
    ("[[access.credential]]\nname = \"x\"", "4:1: access.credential.x.bearer: missing, needed is a token"),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nsecret = \"0123456789abcdef\"",
        "7:10: access.token.key.0.secret: value of 16 octets (not shown) is not allowed: 32 to 1024 characters of",
    ),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nalgorithm = \"HS512\"\nsecret = \"0123456789abcdefghijklmnopqrstuv\"",
        "8:10: access.token.key.0.secret: value of 32 octets (not shown) is not allowed: 64 to 1024 characters of",
    ),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nkid = \"a\"",
        "6:1: access.token.key.0.secret: missing, needed is 32 to 1024",
    ),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nalgorithm = \"ES256\"",
        "6:1: access.token.key.0.pem_file: missing, needed is a path, of a public key of ES256 in PEM",
    ),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nalgorithm = \"EdDSA\"\npem_file = \"a\"\nsecret = \"x\"",
        "9:10: access.token.key.0.secret: value (not shown) is not allowed: none, EdDSA takes a public key",
    ),
    (
        "[access.token]\naudience = \"a\"\n[[access.token.key]]\nalgorithm = \"none\"\nsecret = \"0123456789abcdefghijklmnopqrstuv\"",
        "7:13: access.token.key.0.algorithm: value \"none\" is not allowed: one of HS256, HS384, HS512, ES256, ES384, EdDSA",
    ),
    (
        "[access.token]\njwks_file = \"jwks.json\"",
        "4:9: access.token.audience: missing, needed is what tokens for this proxy have in aud",
    ),
    ("[access.token]\nskew = \"1h\"", "5:8: access.token.skew: value \"1h\" is not allowed: a duration such as"),
    ("[access.token]\nissuer = \"a\"", "5:1: access.token.issuer: unknown key, known here are audience, skew,"),
    (
        "[access.gateway]\nheader = \"x msisdn\"",
        "5:10: access.gateway.header: value \"x msisdn\" is not allowed: a header's name such as",
    ),
    ("[access.gateway]\nheader = \"x-msisdn\"", "4:9: access.gateway.from: missing, needed is the gateway's addresses"),
    (
        "[access.gateway]\nheader = \"x-msisdn\"\nfrom = []",
        "6:8: access.gateway.from: value an empty list is not allowed: the gateway's addresses",
    ),
    ("[access.gateway]\nfrom = [\"::1\"]", "4:9: access.gateway.header: missing, needed is the name of"),
    (
        "[access.gateway]\nheader = \"x-msisdn\"\nfrom = [\"10.1.2.3/16\"]",
        "6:9: access.gateway.from: value \"10.1.2.3/16\" is not allowed: an IP address or a network such as \"192.0.2.7\" or \
         \"10.1.0.0/16\" (bits are set behind the first 16)",
    ),
    ("[access]\norigins = [\"*\"]", "5:12: access.origins: value \"*\" is not allowed: an origin such as"),
    ("[access]\norigins = [\"null\"]", "5:12: access.origins: value \"null\" is not allowed: an origin such as"),
    (
        "[access]\norigins = [\"https://a.example/\"]",
        "5:12: access.origins: value \"https://a.example/\" is not allowed",
    ),
    ("[access]\norigins = [\"https://a.example:443\"]", "5:12: access.origins: value \"https://a.example:443\" is not"),
    (
        "[access]\nprefixes = [\"+49\"]",
        "5:13: access.prefixes: value \"+49\" is not allowed: a prefix of 1 to 15 digits",
    ),
    ("[access]\nprefixes = [\"\"]", "5:13: access.prefixes: value \"\" is not allowed: a prefix of 1 to 15 digits"),
    ("[access]\ntoken = \"a\"", "5:9: access.token: value a text is not allowed: a table, [access.token]"),
    ("[kafka]\nbrokers = \"a\"", "4:2: kafka: unknown key, known here are node, http, grpc, ops, smsc,"),
    ("[grpc]\nlisten", "5:7: "),
];

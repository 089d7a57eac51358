//! What goes wrong in a run: some of everything, drawn by the seed.

/// A fault, how often it comes among a thousand submits at most, and what else it needs.
const FAULTS: [(&str, u32, &str); 22] = [
    ("throttle", 20, "count = 5"),
    ("queue_full", 20, ""),
    ("system_error", 20, ""),
    ("invalid_destination", 5, ""),
    ("refuse", 5, "status = 69"),
    ("refuse", 5, "status = 1024"),
    ("delay", 50, "delay = \"3s\""),
    ("silent", 5, "accept = true"),
    ("silent", 5, "accept = false"),
    ("answer_twice", 20, ""),
    ("shuffle", 50, ""),
    ("receipt_first", 100, ""),
    ("receipt_late", 50, "delay = \"5m\""),
    ("receipt_twice", 50, ""),
    ("no_receipt", 20, ""),
    ("receipt_state", 20, "state = \"UNDELIV\""),
    ("close", 5, "accept = true"),
    ("reset", 5, "accept = false"),
    ("garbage", 5, ""),
    ("broken_body", 5, ""),
    ("unbind", 5, ""),
    ("half_open", 3, ""),
];

/// Those that leave every event a chance to arrive, and do not take long.
const OVER_SOCKETS: [&str; 15] = [
    "throttle",
    "queue_full",
    "system_error",
    "delay",
    "silent",
    "answer_twice",
    "shuffle",
    "receipt_first",
    "receipt_twice",
    "close",
    "reset",
    "garbage",
    "broken_body",
    "unbind",
    "half_open",
];

/// The script of a seed for a run over a socket, in which a second takes one.
pub fn over_sockets(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(!seed);
    let mut script = FULL_FOR_EVER.to_owned();
    for kind in OVER_SOCKETS {
        if random.u8(0..3) == 0 {
            let probability = f64::from(random.u32(1..=15)) / 1000.0;
            let more = if kind == "delay" { "delay = \"50ms\"\n" } else { "" };
            script += &format!("[[fault]]\nkind = \"{kind}\"\nprobability = {probability}\n{more}");
        }
    }
    script
}

/// The queue of the first handset is full, and stays so: it is switched off.
pub const FULL_FOR_EVER: &str = "[[fault]]\nkind = \"queue_full\"\nprobability = 1.0\ndestination = \"15555550100\"\n";

/// The script of a seed: a third of the faults, and one handset that is switched off in every second run.
pub fn script(seed: u64) -> String {
    let mut random = fastrand::Rng::with_seed(seed);
    let mut script = String::new();
    let ids = ["same", "decimal"][random.usize(0..2)];
    script += &format!("[receipts]\nids = \"{ids}\"\ndelay = \"{}ms\"\n", random.u32(0..2000));
    match random.u8(0..3) {
        0 => script += FULL_FOR_EVER,
        1 => script += "[destinations]\noff = [\"15555550100\"]\non_after = \"20m\"\nalert = \"always\"\n",
        _ => {}
    }
    for (kind, most, more) in FAULTS {
        if random.u8(0..3) == 0 {
            let probability = f64::from(random.u32(1..=most)) / 1000.0;
            script += &format!("[[fault]]\nkind = \"{kind}\"\nprobability = {probability}\n{more}\n");
        }
    }
    script
}

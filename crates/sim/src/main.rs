fn main() {
    let mut args = std::env::args().skip(1);
    let from: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(0);
    let to: u64 = args.next().and_then(|a| a.parse().ok()).unwrap_or(from + 1);
    let loud = args.next().is_some();
    for seed in from..to {
        let outcome = patchbay_sim::live(seed, patchbay_sim::Size::default(), loud);
        if let Some(failure) = outcome.failure {
            println!("seed {seed} at {} ms: {}", failure.at, failure.fault);
            if to == from + 1 {
                for line in failure.last {
                    println!("  {line}");
                }
            }
        } else if to - from < 20 {
            println!("seed {seed} ok {:x} {} events {} conns", outcome.hash, outcome.events, outcome.connections);
        }
    }
}

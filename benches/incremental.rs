//! A live session after a change beside a cold run: `cargo bench --bench incremental`.
//!
//! The cases are those of `septa bench incremental`, at 256^3.

use septa::bench::incremental::measure;
use septa::bench::plan::Plan;
use septa::pregel::runtime::Runtime;
use septa::workers::Workers;

fn main() {
    let runtimes = [1, 2].map(|workers| Runtime::start(&Workers::threads(workers)).expect("threads"));
    let plan = Plan { size: 256, repeat: 5, seed: 1, cases: Vec::new(), ops: Vec::new() };
    let measured = measure(&plan, &runtimes.each_ref(), |_| Ok(())).expect("a session that says what a cold run says");
    println!("{:>20} {:>8} {:>8} {:>10} {:>10} {:>8}", "op", "case", "workers", "seconds", "cold", "ratio");
    for row in measured.rows {
        let (cold, ratio) = (row.baseline_seconds.unwrap_or(f64::NAN), row.ratio.unwrap_or(f64::NAN));
        println!("{:>20} {:>8} {:>8} {:>10.5} {cold:>10.5} {ratio:>8.2}", row.op, row.case, row.workers, row.seconds);
    }
}

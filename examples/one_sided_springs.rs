//! A cell among six that are held, one step away each, is drawn along x. `cargo run --release --example
//! one_sided_springs` tells what each contact carries where contacts push and pull, only push (cells that touch and do
//! not stick), or only pull (cables): the half that is slack leaves the other half all, and the cell goes twice as far.

use septa::prelude::*;
use septa::programs::force::contact_springs::Body;
use septa::programs::force::elastic::{Node, Spring};
use septa::programs::force::law::{Law, Only};
use septa::programs::force::solve::Stop;
use septa::programs::force::vector::Vector;

const LOAD: f64 = 0.3;

/// A cell, six around it, and springs of stiffness 1 from it to each.
fn cells() -> Body {
    let mut body = Body { labels: (1..=7).collect(), nodes: vec![Node::default(); 7], ..Body::default() };
    body.places.push(Vector::default());
    for cell in 1..7 {
        let (sine, cosine) = (f64::from(cell - 1) * 60.0).to_radians().sin_cos();
        let direction = Vector([0.0, sine, cosine]);
        body.places.push(direction);
        body.springs.push((0, cell as u32, Spring { stiffness: 1.0, direction, ..Spring::default() }));
        body.nodes[cell as usize].held = [true; 3];
    }
    // They lie in a plane, across which nothing resists.
    body.nodes[0].held = [true, false, false];
    body.nodes[0].load = Vector([0.0, 0.0, LOAD]);
    body
}

fn main() -> Result<()> {
    let runtime = Runtime::start(&Workers::threads(2))?;
    let stop = Stop { tolerance: 1e-12, ..Stop::default() };
    println!("contacts at        moved     0°    60°   120°   180°   240°   300°");
    for (name, only, stiffness) in
        [("push and pull", None, 3.0), ("only push", Some(Only::Push), 1.5), ("only pull", Some(Only::Pull), 1.5)]
    {
        let body = Body { law: Law { large: false, only }, ..cells() };
        let found = body.balance(&runtime, stop, &Config::default())?;
        let moved = found.displacements[0].0[2];
        let carried = body.response(&found.displacements).tensions;
        let told: String = carried.iter().map(|force| format!("{:7.3}", force + 0.0)).collect();
        println!("{name:<15} {moved:8.3}{told}");
        // Six springs resist as three along one axis, and three of them as one and a half.
        assert!((moved - LOAD / stiffness).abs() < 1e-9);
    }
    println!("Forces above 0 pull, those below 0 push; they balance a load of {LOAD} along 0°.");
    Ok(())
}

//! How FIRE steps: what every block concludes from the sums of all.

use serde::{Deserialize, Serialize};

use crate::programs::force::fire::Sums;
use crate::programs::force::solve::Stop;

/// The longest time step: nine tenths of what the highest frequency, the root of 2, bears.
const LONGEST: f64 = 0.9 * std::f64::consts::SQRT_2;

/// The first time step, and the shortest, over the longest.
const FIRST: f64 = 0.1;
const SHORTEST: f64 = 0.001;

/// How velocities are turned towards forces in the beginning, and how that and time steps change; after so many
/// iterations downhill (Guénolé et al. 2020).
const TURN: f64 = 0.25;
const TURN_LESS: f64 = 0.99;
const LONGER: f64 = 1.1;
const SHORTER: f64 = 0.5;
const DELAY: u64 = 20;

/// After so many iterations none of which was better than those before it goes nowhere.
const PATIENCE: usize = 2_000;

/// Why it ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum End {
    /// Forces balance.
    Balanced,
    /// There were as many iterations as may be.
    Tired,
    /// Forces do not come nearer to a balance.
    Nowhere,
    /// Something left the range of floats.
    Beyond,
}

/// What is done with velocities `v` and forces over masses `f`: `v' = keep v + gain f`, and displacements grow by
/// `step v' - back v`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Move {
    pub(super) back: f64,
    pub(super) keep: f64,
    pub(super) gain: f64,
    pub(super) step: f64,
}

/// The pace of all nodes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Pace {
    step: f64,
    turn: f64,
    /// Iterations downhill in a row.
    downhill: u64,
    /// The least residual, and how many there were before it.
    best: f64,
    best_at: usize,
    /// The forces on what is held, one iteration before.
    reaction: f64,
    /// The share of forces out of balance before each iteration.
    pub(super) history: Vec<f64>,
}

impl Pace {
    pub(super) fn new() -> Self {
        Self { step: FIRST * LONGEST, turn: TURN, best: f64::INFINITY, reaction: f64::INFINITY, ..Self::default() }
    }

    /// The next move, or why there is none.
    pub(super) fn next(&mut self, sums: &Sums, stop: Stop) -> Result<Move, End> {
        let (relative, reaction) = (sums.relative(), sums.reaction.sqrt());
        let changed = (reaction - self.reaction).abs();
        self.reaction = reaction;
        if !(relative.is_finite() && reaction.is_finite() && sums.power.is_finite() && sums.speed.is_finite()) {
            return Err(End::Beyond);
        }
        if relative == 0.0 || relative <= stop.tolerance && changed <= stop.tolerance * reaction {
            return Err(End::Balanced);
        }
        if self.history.len() as u64 >= stop.iterations {
            return Err(End::Tired);
        }
        if relative < self.best {
            (self.best, self.best_at) = (relative, self.history.len());
        } else if self.history.len() - self.best_at > PATIENCE {
            return Err(End::Nowhere);
        }
        self.history.push(relative);
        Ok(self.turn(sums))
    }

    fn turn(&mut self, sums: &Sums) -> Move {
        if sums.power > 0.0 {
            self.downhill += 1;
            if self.downhill > DELAY {
                self.step = (self.step * LONGER).min(LONGEST);
                self.turn *= TURN_LESS;
            }
            let step = self.step;
            let (driving, faster) = (sums.driving, sums.speed + step * (2.0 * sums.power + step * sums.driving));
            let towards = self.turn * (faster / driving).sqrt();
            return Move { back: 0.0, keep: 1.0 - self.turn, gain: (1.0 - self.turn) * step + towards, step };
        }
        // In the beginning nothing moves, and nothing is too fast.
        if sums.speed > 0.0 {
            self.step = (self.step * SHORTER).max(SHORTEST * LONGEST);
        }
        (self.downhill, self.turn) = (0, TURN);
        Move { back: 0.5 * self.step, keep: 0.0, gain: self.step, step: self.step }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two oscillators of unlike frequency, up to the highest there is, from rest.
    #[test]
    fn oscillators_come_to_rest_within_the_longest_step() {
        for frequencies in [[2.0, 2.0], [2.0, 0.02], [0.5, 1e-4]] {
            let (mut at, mut velocity, mut pace) = ([1.0, -2.0], [0.0; 2], Pace::new());
            let stop = Stop { tolerance: 1e-10, iterations: 20_000 };
            let end = loop {
                let force = [0, 1].map(|axis| -frequencies[axis] * at[axis]);
                let dot = |a: [f64; 2], b: [f64; 2]| a[0] * b[0] + a[1] * b[1];
                let residual = dot(force, force);
                let (power, speed) = (dot(force, velocity), dot(velocity, velocity));
                let sums = Sums { power, driving: residual, residual, speed, beginning: 1.0, ..Sums::default() };
                match pace.next(&sums, stop) {
                    Err(end) => break end,
                    Ok(Move { back, keep, gain, step }) => {
                        for axis in 0..2 {
                            let before = velocity[axis];
                            velocity[axis] = keep * before + gain * force[axis];
                            at[axis] += step * velocity[axis] - back * before;
                        }
                    }
                }
            };
            assert_eq!(end, End::Balanced, "{frequencies:?}: {} iterations", pace.history.len());
        }
    }

    #[test]
    fn what_never_comes_nearer_goes_nowhere() {
        let sums = Sums { power: 1.0, driving: 1.0, residual: 1.0, speed: 1.0, beginning: 1.0, ..Sums::default() };
        let mut pace = Pace::new();
        let stop = Stop { tolerance: 1e-8, iterations: 1_000_000 };
        let end = (0..).find_map(|_| pace.next(&sums, stop).err());
        assert_eq!((end, pace.history.len()), (Some(End::Nowhere), PATIENCE + 1));
        assert_eq!(Pace::new().next(&Sums { residual: f64::NAN, ..sums }, stop), Err(End::Beyond));
        assert_eq!(Pace::new().next(&sums, Stop { iterations: 0, ..stop }), Err(End::Tired));
    }
}

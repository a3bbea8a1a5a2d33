//! The plain kernel of the Potts model: a loop over an array, colour by colour, on one thread. It has the same rule
//! and the same random numbers, and knows nothing of blocks, shells and layouts.

use crate::programs::potts::census::{Census, Seen};
use crate::programs::potts::dice::{Dice, Purpose, place};
use crate::programs::potts::rule::Rule;
use crate::volume::region::Region;

/// A periodic volume of spins, in raster order.
pub struct Torus<'a> {
    rule: &'a Rule,
    /// The spins.
    pub spins: Vec<u32>,
    /// What is known of cells.
    census: Census,
}

impl<'a> Torus<'a> {
    /// A volume of these spins.
    pub fn new(rule: &'a Rule, spins: Vec<u32>) -> Self {
        let mut census = Census::new(rule);
        if rule.needs_volumes() {
            spins.iter().for_each(|spin| census.add(&[(*spin, 1)], &[]));
        }
        Self { rule, spins, census }
    }

    /// Runs so many sweeps.
    pub fn run(&mut self, sweeps: u64) {
        let (shape, model) = (self.rule.shape, &self.rule.model);
        let size = shape.0.map(|n| n as isize);
        let steps: Vec<[isize; 3]> = self.rule.steps.iter().map(|step| step.map(isize::from)).collect();
        let mut around = vec![0; steps.len()];
        let mut word = [0];
        for step in 0..sweeps * model.steps() {
            let mut dice = Dice::new(model.seed, Purpose::Attempts, step);
            let turn = model.turn(step);
            let before = self.census.clone();
            for (z, y) in Region::whole(shape).rows().filter(|(z, y)| turn.has([*z, *y, turn.residue[2]])) {
                for x in (turn.residue[2]..shape.0[2]).step_by(2) {
                    dice.fill(place(shape, [z, y, x]), &mut word);
                    for (spin, step) in around.iter_mut().zip(&steps) {
                        let [z, y, x] = [0, 1, 2].map(|axis| {
                            let moved = [z, y, x][axis] as isize + step[axis];
                            if moved < 0 {
                                moved + size[axis]
                            } else if moved == size[axis] {
                                0
                            } else {
                                moved
                            }
                        });
                        *spin = self.spins[((z * size[1] + y) * size[2] + x) as usize];
                    }
                    let at = shape.raster([z, y, x]) as usize;
                    let (own, known) = (self.spins[at], Seen::new(self.rule, &before));
                    let new = self.rule.decide([z, y, x], own, &around, &word, &known);
                    if own != new {
                        self.spins[at] = new;
                        if self.rule.needs_volumes() {
                            self.census.add(&[(own, -1), (new, 1)], &[]);
                        }
                    }
                }
            }
        }
    }
}

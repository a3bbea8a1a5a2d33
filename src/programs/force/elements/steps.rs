//! The supersteps of an iteration: what each does, and so what is said in the one before.

/// A superstep of an iteration on so many levels that are cut into blocks; the mail that a step has is of the field
/// that the step before it made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// Ends, or begins to smooth the first level.
    Start,
    /// Goes on to smooth a level on the way up.
    Smooth(usize),
    /// Finds what is left of its load.
    Leave(usize),
    /// Hands that to the level above, and begins to smooth it; above the last level it goes to the block that has the
    /// root.
    Up(usize),
    /// Mends the root.
    Root,
    /// Takes what was mended on the level above.
    Down(usize),
    /// Smooths a level on the way down.
    First(usize),
    Second(usize),
    /// The new direction.
    Direct,
    /// Its image.
    Image,
    /// A step along it.
    Advance,
}

/// The supersteps of an iteration.
pub(super) fn length(levels: usize) -> u64 {
    6 * levels as u64 + 5
}

/// The step at a place of an iteration.
pub(super) fn step(levels: usize, place: u64) -> Step {
    let (up, down) = (3 * levels, 6 * levels);
    match place as usize {
        0 => Step::Start,
        at if at <= up => [Step::Smooth, Step::Leave, Step::Up][(at - 1) % 3]((at - 1) / 3),
        at if at == up + 1 => Step::Root,
        at if at <= down + 1 => {
            let at = at - up - 2;
            [Step::Down, Step::First, Step::Second][at % 3](levels - 1 - at / 3)
        }
        at => [Step::Direct, Step::Image, Step::Advance][at - down - 2],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_iteration_goes_up_and_down_once() {
        let steps: Vec<Step> = (0..length(2)).map(|place| step(2, place)).collect();
        let up = [Step::Smooth(0), Step::Leave(0), Step::Up(0), Step::Smooth(1), Step::Leave(1), Step::Up(1)];
        let down = [Step::Down(1), Step::First(1), Step::Second(1), Step::Down(0), Step::First(0), Step::Second(0)];
        let ends = [Step::Direct, Step::Image, Step::Advance];
        let all = [&[Step::Start][..], &up, &[Step::Root], &down, &ends].concat();
        assert_eq!(steps, all);
    }
}

//! What the processes of a cluster tell each other between runs: every process makes the same calls
//! in the same order, and where one of them comes with an error all of them have it.

use std::fmt::{self, Debug, Formatter};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::{Error, Kind, Result};
use crate::graph::topology::Cut;
use crate::id::BlockId;
use crate::pregel::block::{BlockProgram, Superstep, Vote, Wire};
use crate::pregel::run::Config;
use crate::pregel::runtime::Runtime;

/// An error in words.
type Told = (Kind, String);

/// Something for a process, or the error instead of it.
type Parcel<T> = std::result::Result<T, Told>;

/// Something for a process.
pub(crate) type Letter<T> = (usize, T);

impl Runtime {
    /// Gives each letter to the process it is for: those for this one, ascending by the process they are
    /// from; of one process in the order it gave them. Alone it costs nothing.
    ///
    /// # Errors
    /// The error of the first process that came with one, on all of them; a lost process.
    pub(crate) fn exchange<T: Wire>(&self, letters: Result<Vec<Letter<T>>>) -> Result<Vec<T>> {
        let processes = self.workers().processes();
        if processes == 1 {
            return Ok(letters?.into_iter().map(|(_, letter)| letter).collect());
        }
        let (outgoing, mine) = match letters {
            Ok(letters) => (letters.into_iter().map(|(to, letter)| (to, Ok(letter))).collect(), None),
            Err(error) => {
                let told: Told = (error.kind(), error.message().to_owned());
                ((0..processes).map(|process| (process, Err(told.clone()))).collect(), Some(error))
            }
        };
        let desk = Arc::new(Mutex::new(Desk { outgoing, incoming: Vec::new() }));
        let program = Exchange(Arc::clone(&desk));
        self.run(&Processes(processes as u32), &program, &Config::default(), |_, ()| Ok(()))?;
        let incoming = std::mem::take(&mut desk.lock().unwrap_or_else(PoisonError::into_inner).incoming);
        let come: std::result::Result<Vec<T>, Told> = incoming.into_iter().collect();
        // An error of this process knows its causes.
        come.map_err(|(kind, what)| match mine {
            Some(error) if (error.kind(), error.message()) == (kind, what.as_str()) => error,
            _ => Error::new(kind, what),
        })
    }

    /// What this process made and what the others have for it, if it went well on all of them.
    ///
    /// # Errors
    /// As [`Runtime::exchange`].
    pub(crate) fn traded<M, T: Wire>(&self, made: Result<(M, Vec<Letter<T>>)>) -> Result<(M, Vec<T>)> {
        let (mine, letters) = match made {
            Ok((mine, letters)) => (Some(mine), Ok(letters)),
            Err(error) => (None, Err(error)),
        };
        let come = self.exchange(letters)?;
        Ok((mine.expect("an error of this process is one of all"), come))
    }

    /// What this process made, if it went well on all of them.
    ///
    /// # Errors
    /// As [`Runtime::exchange`].
    pub(crate) fn agreed<M>(&self, made: Result<M>) -> Result<M> {
        Ok(self.traded::<M, ()>(made.map(|made| (made, Vec::new())))?.0)
    }

    /// What each process has, on all of them.
    ///
    /// # Errors
    /// As [`Runtime::exchange`].
    pub(crate) fn all_gather<T: Wire + Clone>(&self, mine: Result<T>) -> Result<Vec<T>> {
        let processes = self.workers().processes();
        let letters = mine.map(|mine| match processes {
            1 => vec![(0, mine)],
            _ => (0..processes).map(|process| (process, mine.clone())).collect(),
        });
        self.exchange(letters)
    }

    /// What each process has, on process 0; nothing on the others.
    ///
    /// # Errors
    /// As [`Runtime::exchange`].
    pub(crate) fn gather<T: Wire>(&self, mine: Result<T>) -> Result<Vec<T>> {
        self.exchange(mine.map(|mine| vec![(0, mine)]))
    }
}

/// The processes of a cluster, a block each: consecutive blocks lie on consecutive workers, so that
/// each is on its process.
#[derive(Clone)]
struct Processes(u32);

impl Cut for Processes {
    type Block = ();

    fn blocks(&self) -> u32 {
        self.0
    }

    fn block(&self, _: BlockId) -> Result<()> {
        Ok(())
    }

    fn digest(&self, (): &()) -> Result<u64> {
        Ok(0)
    }
}

/// What this process has to give, and was given.
struct Desk<T> {
    outgoing: Vec<Letter<Parcel<T>>>,
    incoming: Vec<Parcel<T>>,
}

/// Letters go out in superstep 0 and are there in superstep 1.
struct Exchange<T>(Arc<Mutex<Desk<T>>>);

impl<T> Clone for Exchange<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Debug for Exchange<T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("Exchange")
    }
}

impl<T: Wire> BlockProgram<Processes> for Exchange<T> {
    type State = ();
    type Parcel = Parcel<T>;
    type Global = ();
    type Output = ();

    fn init(&self, _: &Processes, (): &()) -> Result<()> {
        Ok(())
    }

    fn compute(
        &self,
        at: &mut Superstep<'_, Parcel<T>, ()>,
        (): &(),
        (): &mut (),
        mail: Vec<(BlockId, Parcel<T>)>,
    ) -> Result<Vote> {
        let mut desk = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for (to, letter) in std::mem::take(&mut desk.outgoing) {
            at.send(BlockId(to as u32), letter);
        }
        desk.incoming.extend(mail.into_iter().map(|(_, letter)| letter));
        Ok(Vote::Halt)
    }

    fn finish(&self, (): &(), (): ()) -> Result<()> {
        Ok(())
    }
}

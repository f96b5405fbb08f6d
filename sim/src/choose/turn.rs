//! The choices of a client are named by its turns, so that the shrinker can move a turn.

use super::{ChoiceStream, Label};

/// The width and position of a client's turn in the keys of its requests' choices.
const TURN_BITS: u64 = 0xff_ffff;
const TURN_AT: u32 = 16;
const CLIENT_AT: u32 = 40;
/// Keys from here on belong to servers' own operations.
const CLIENTS_MAX: u64 = 1 << 56;

impl ChoiceStream {
    /// The stream of what a client does at a turn.
    pub const fn of_turn(client: u64, turn: u64) -> Self {
        Label::Client.of(client << 32 | turn)
    }

    /// The key of a request's choices: its client, the turn, and how many requests the turn had before it.
    pub const fn key_of_request(client: u64, turn: u64, asks: u64) -> u64 {
        client << CLIENT_AT | (turn & TURN_BITS) << TURN_AT | (asks & 0xffff)
    }

    /// The client and the turn that a choice belongs to; None if it is not a client's.
    pub fn turn(self) -> Option<(u64, u64)> {
        match self.label {
            Label::Client => Some((self.key >> 32, self.key & 0xffff_ffff)),
            Label::Balancer
            | Label::Link
            | Label::Store
            | Label::Step
            | Label::Reader
            | Label::Body
            | Label::Converter
            | Label::Review
            | Label::Judge => {
                let turn = self.key >> TURN_AT & TURN_BITS;
                (self.key < CLIENTS_MAX).then_some((self.key >> CLIENT_AT, turn))
            }
            Label::Class
            | Label::Shape
            | Label::Feed
            | Label::Server
            | Label::Seed
            | Label::Member
            | Label::Etcd
            | Label::Network
            | Label::Heal
            | Label::Callee
            | Label::Page => None,
        }
    }

    /// The same choice at another turn of its client. A choice that is not a client's is returned unchanged.
    #[must_use]
    pub fn at_turn(self, turn: u64) -> Self {
        match self.turn() {
            None => self,
            Some((client, _)) if self.label == Label::Client => Self::of_turn(client, turn),
            Some((client, _)) => self.label.of(Self::key_of_request(client, turn, self.key & 0xffff)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_turn_is_read_back_and_moved() {
        for stream in [ChoiceStream::of_turn(7, 30), Label::Store.of(ChoiceStream::key_of_request(7, 30, 2))]
        {
            assert_eq!(stream.turn(), Some((7, 30)));
            let moved = stream.at_turn(28);
            assert_eq!((moved.turn(), moved.at_turn(30)), (Some((7, 28)), stream));
        }
        let own = Label::Store.of(1 << 62 | 5);
        assert_eq!((own.turn(), own.at_turn(3)), (None, own));
    }
}

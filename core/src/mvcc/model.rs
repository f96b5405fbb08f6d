//! A deliberately naive machine, and the properties that the real one shares with it.

//! The whole engine over the simulated phone: scenarios, crash points, and properties with an oracle.

mod scenarios;
mod world;

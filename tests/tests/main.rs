//! Whole flows over the merged routers.

mod architecture;
mod budget;
mod journey;

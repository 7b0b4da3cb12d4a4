//! The allocator of `soter-sim`, for benches that run its server themselves.

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

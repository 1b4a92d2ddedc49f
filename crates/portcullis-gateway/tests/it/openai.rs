//! OpenAI's objects: files, batches, models.

mod batches;
mod endings;
mod files;
mod models;
mod platform;
mod recovery;
mod scene;

//! AWS Signature Version 4 over a borrowed request.

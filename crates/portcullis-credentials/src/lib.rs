//! Who the gateway is and which role it assumes.

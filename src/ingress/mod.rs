//! Room for ingress.

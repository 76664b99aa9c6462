gate "lag" {
  command = = ["/bin/lag"] # ERROR: Invalid expression
}
gate "smoke" {
  command = ["smoke"] # ERROR: Not an absolute path
}

"""All SQL. Every query has a name; every change of state is one guarded statement."""

"""What was measured, as pages: each keeps its numbers in results/ and its tables in docs/."""

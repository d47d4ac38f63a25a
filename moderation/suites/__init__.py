"""What a classifier is tried on beside labelled comments: sentences made for one question each.

`functional` asks whether it understands what is said, `identity` whether it leaves people alone
who merely name what they are, and `disguises` whether it still reads what somebody has disguised.
Nothing here is trained on.
"""

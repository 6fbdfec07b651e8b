"""What models write: the one grammar (`parse_reply`), its inverse (`render`), and placing boxes.

reply = parse_reply(text)
reply.verdict, reply.regions, reply.problems
placed, problems = place(reply.regions, sizes, Dialect(frame="xyxy_model:qwen2_5_vl"))
"""

class FieldException(Exception):
    def __init__(self, field, message):
        self.detail = [{"loc": ["body", field], "msg": message, "type": "value_error"}]
